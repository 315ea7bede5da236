/* Passkeys: the browser's own dialog, and its answer put into a form (Web Authentication Level 3, section 5.1).
   A form says what it is for: data-passkey is "create", "get" or "sign-in"; data-options holds what the server asks for,
   or data-ask where to get that. */
"use strict";

(() => {
  const supported = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

  const options = async (form) => {
    if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
    const answer = await fetch(form.dataset.ask, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).request_options.publicKey;
  };

  const credential = async (form) => {
    const asked = await options(form);
    if (form.dataset.passkey === "create") {
      return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
    }
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  };

  const tell = (form, words) => {
    const place = form.querySelector("[data-passkey-says]");
    place.textContent = words;
    place.hidden = false;
  };

  const run = async (form) => {
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const made = await credential(form);
      form.elements.credential.value = JSON.stringify(made.toJSON());
      HTMLFormElement.prototype.submit.call(form);
    } catch {
      tell(form, form.dataset.failed);
      button.disabled = false;
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (supported) run(form);
      else tell(form, form.dataset.unsupported);
    });
  }
})();
