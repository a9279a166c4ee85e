document.addEventListener("DOMContentLoaded", function () {
  document.querySelectorAll("img[data-original]").forEach(function (img) {
    img.src = img.getAttribute("data-original");
  });
});
