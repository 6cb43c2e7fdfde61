// Sets the chosen theme before the first paint. A classic script on purpose: a module would run too late.
(() => {
  const chosen = localStorage.getItem("offrecord.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
