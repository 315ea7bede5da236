/* Runs before the first paint, so that a dark page never flashes white. The only blocking script. */
(function () {
  var root = document.documentElement, chosen = null;
  try { chosen = localStorage.getItem("ho-theme"); } catch (refused) { chosen = null; }
  root.classList.add("js");
  root.dataset.themeChoice = chosen || "system";
  root.dataset.bsTheme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();
