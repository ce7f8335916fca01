"""Reports by mail: what a file of directives asks for, sent when it is due."""
