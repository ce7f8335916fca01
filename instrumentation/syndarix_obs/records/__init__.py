"""The frozen record, and how a finished span of any library becomes one."""
