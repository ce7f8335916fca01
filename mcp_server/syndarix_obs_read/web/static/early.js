// Before anything is painted: what needs the script takes its place at once, so that nothing moves later.
document.documentElement.classList.add("script");
