// Runs before the first paint, so that a chosen look does not flash; and says so when the app
// itself does not arrive.
(function () {
  try {
    var theme = localStorage.getItem("onsale.theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch (e) {
    // Storage is switched off: the system's look it is.
  }
  function failed() {
    var word = document.getElementById("boot-failed");
    if (!word) return;
    word.hidden = false;
    document.getElementById("boot").hidden = true;
  }
  addEventListener("error", function (e) {
    if (e.target && (e.target.tagName === "SCRIPT" || e.target.tagName === "LINK")) failed();
  }, true);
  addEventListener("unhandledrejection", failed);
  // A page that the browser kept asleep shows what was true when it was left: a held seat may be paid.
  addEventListener("pageshow", function (e) {
    if (e.persisted) location.reload();
  });
})();
