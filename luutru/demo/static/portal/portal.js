function __doPostBack(target, argument) {
  var form = document.getElementById("aspnetForm");
  if (form) form.setAttribute("data-target", target + "/" + argument);
}
document.addEventListener("DOMContentLoaded", function () {
  document.querySelectorAll("img[data-src]").forEach(function (img) {
    img.src = img.getAttribute("data-src");
  });
});
