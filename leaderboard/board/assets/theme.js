"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  // storage may be forbidden for pages opened from disk
  try {
    const theme = localStorage.getItem("facesr-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* the system's choice stays */ }
})();
