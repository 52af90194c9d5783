// Passkeys (WebAuthn): between what the browser speaks and what a form can send. The server does the rest.
"use strict";

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// The options as they come in JSON, with bytes where the browser wants bytes.
const readOptions = ({ publicKey }) => {
  const options = { ...publicKey, challenge: decode(publicKey.challenge) };
  if (options.user) options.user = { ...options.user, id: decode(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) options[list] = options[list].map((each) => ({ ...each, id: decode(each.id) }));
  }
  return { publicKey: options };
};

const writeCredential = (credential) => {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = encode(credential.response[part]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
};

const ask = async (form) => {
  if (form.dataset.passkey === "create") return navigator.credentials.create(readOptions(JSON.parse(form.dataset.options)));
  if (form.dataset.passkey === "get") return navigator.credentials.get(readOptions(JSON.parse(form.dataset.options)));
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  return navigator.credentials.get(readOptions((await answer.json()).request_options));
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) break;
  form.hidden = false;
  const complaint = form.querySelector(".errors[hidden]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complaint.hidden = true;
    try {
      form.elements.credential.value = writeCredential(await ask(form));
      form.submit();
    } catch {
      complaint.textContent = form.dataset.failed;
      complaint.hidden = false;
    }
  });
}
for (const link of document.querySelectorAll("a.scripted")) link.hidden = !window.PublicKeyCredential;
