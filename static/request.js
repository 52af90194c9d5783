// Asking for a certificate: what would be issued is shown while one types, and a key can be made here, where it stays.
"use strict";

const form = document.querySelector("form[data-preview]");
const preview = document.querySelector("#preview");
const state = form.querySelector("[data-key-state]");
const file = form.querySelector("[data-key-file]");

// The preview. An answer comes as a document, so that no text is turned into markup here (trusted types).

const PATIENCE = 250;
let waiting;
let asking;

const show = (answer) => {
  const open = [...preview.querySelectorAll("details[open]")].map((each) => each.id);
  preview.replaceChildren(...answer.body.childNodes);
  for (const id of open) {
    const again = document.getElementById(id);
    if (again) again.open = true;
  }
};

const ask = async () => {
  if (made) await sign();
  const sent = new FormData(form);
  sent.delete("passphrase");
  asking?.abort();
  asking = new XMLHttpRequest();
  asking.open("POST", form.dataset.preview);
  asking.responseType = "document";
  asking.addEventListener("load", ({ target }) => {
    preview.removeAttribute("aria-busy");
    if (target.status === 200 && target.responseURL.endsWith(form.dataset.preview)) show(target.response);
  });
  preview.setAttribute("aria-busy", "true");
  asking.send(sent);
};

form.addEventListener("input", (event) => {
  clearTimeout(waiting);
  if (event.target.name === "template") form.requestSubmit(form.querySelector("[name=fit]"));
  else waiting = setTimeout(ask, PATIENCE);
});

// DER (X.690): everything is a tag, a length, and its content.

const join = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const tlv = (tag, ...parts) => {
  const content = join(parts);
  const digits = [];
  for (let rest = content.length; rest; rest >>= 8) digits.unshift(rest & 255);
  return join([[tag], content.length < 128 ? [content.length] : [128 | digits.length, ...digits], content]);
};
const sequence = (...parts) => tlv(0x30, ...parts);
const set = (...parts) => tlv(0x31, ...parts);
const text = (value) => new TextEncoder().encode(value);
const bits = (value) => tlv(0x03, [0], value);
const integer = (digits) => {
  const first = digits.findIndex((digit) => digit);
  const bare = first < 0 ? [0] : digits.slice(first);
  return tlv(0x02, bare[0] > 127 ? [0] : [], bare);
};
const oid = (dotted) => {
  const [first, second, ...others] = dotted.split(".").map(Number);
  const written = others.flatMap((part) => {
    const groups = [part & 127];
    for (let rest = part >> 7; rest; rest >>= 7) groups.unshift((rest & 127) | 128);
    return groups;
  });
  return tlv(0x06, [first * 40 + second, ...written]);
};
const pem = (label, bytes) => {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
};

// Names as the server reads them: the kind is said by a prefix, or inferred. RFC 5280 4.2.1.6.

const isIPv4 = (name) => /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
const address = (name) => {
  if (isIPv4(name)) return name.split(".").map(Number);
  const [head, tail] = new URL(`http://[${name}]/`).hostname.slice(1, -1).split("::");
  const groups = (part) => (part ? part.split(":").map((digits) => parseInt(digits, 16)) : []);
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 255]);
};
const host = (name) => (name.startsWith("*.") ? "*." : "") + new URL(`http://${name.replace(/^\*\./, "")}`).hostname;
const kindOf = (name) => {
  if (isIPv4(name) || /^[0-9a-f]*:[0-9a-f:.]*$/i.test(name)) return "ip";
  if (name.includes("://") || /^urn:/i.test(name)) return "uri";
  return name.includes("@") ? "email" : "dns";
};
const generalName = (line) => {
  const [, prefix, rest] = line.match(/^(dns|ip|email|uri):(.*)$/i) ?? [];
  const name = prefix ? rest : line;
  try {
    switch (prefix?.toLowerCase() ?? kindOf(line)) {
      case "ip": return tlv(0x87, address(name));
      case "uri": return tlv(0x86, text(name));
      case "email": return tlv(0x81, text(name));
      default: return tlv(0x82, text(host(name)));
    }
  } catch {
    // What is no name is left to the server, which says so.
    return [];
  }
};

// A PKCS#10 request (RFC 2986) for what stands in the form, signed by the key that was made here.

const ELLIPTIC = (curve, hash, signature) => ({
  generated: { name: "ECDSA", namedCurve: curve },
  signed: { name: "ECDSA", hash },
  algorithm: sequence(oid(signature)),
  // WebCrypto writes r and s one after the other, certificates as two integers (RFC 3279 2.2.3).
  written: (raw) => sequence(integer([...raw.slice(0, raw.length / 2)]), integer([...raw.slice(raw.length / 2)])),
});
const RSA = (modulusLength) => ({
  generated: { name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  signed: { name: "RSASSA-PKCS1-v1_5" },
  algorithm: sequence(oid("1.2.840.113549.1.1.11"), tlv(0x05)),
  written: (raw) => raw,
});
const KINDS = {
  ECDSA_P256: ELLIPTIC("P-256", "SHA-256", "1.2.840.10045.4.3.2"),
  ECDSA_P384: ELLIPTIC("P-384", "SHA-384", "1.2.840.10045.4.3.3"),
  RSA_2048: RSA(2048),
  RSA_3072: RSA(3072),
  RSA_4096: RSA(4096),
};

// The key pair and what kind it is, once there is one.
let made;

const commonName = () => form.elements.common_name?.value.trim() ?? "";
const lines = () => form.elements.names.value.split("\n").map((line) => line.trim()).filter(Boolean);

const sign = async () => {
  const { kind, pair } = made;
  const subject = commonName() ? [set(sequence(oid("2.5.4.3"), tlv(0x0c, text(commonName()))))] : [];
  const sans = lines().map(generalName);
  const extension = sequence(oid("2.5.29.17"), tlv(0x04, sequence(...sans)));
  const wishes = sans.length ? [sequence(oid("1.2.840.113549.1.9.14"), set(sequence(extension)))] : [];
  const key = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const asked = sequence(integer([0]), sequence(...subject), key, tlv(0xa0, ...wishes));
  const raw = new Uint8Array(await crypto.subtle.sign(kind.signed, pair.privateKey, asked));
  const request = sequence(asked, kind.algorithm, bits(kind.written(raw)));
  form.elements.made_csr.value = pem("CERTIFICATE REQUEST", request);
};

const offer = async () => {
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", made.pair.privateKey));
  file.href = URL.createObjectURL(new Blob([pem("PRIVATE KEY", key)], { type: "application/x-pem-file" }));
  file.download = `${(commonName() || lines()[0]).replace("*", "wildcard").replace(/[^\w.-]+/g, "-")}.key.pem`;
  file.hidden = false;
  file.click();
};

form.querySelector("[data-make-key]").addEventListener("click", async () => {
  if (!commonName() && !lines().length) {
    state.textContent = form.dataset.needsNames;
    (form.elements.common_name ?? form.elements.names).focus();
    return;
  }
  try {
    const kind = KINDS[form.elements.key_algorithm?.value || form.dataset.algorithm];
    made = { kind, pair: await crypto.subtle.generateKey(kind.generated, true, ["sign", "verify"]) };
    await sign();
    await offer();
    state.textContent = form.dataset.made;
    await ask();
  } catch {
    made = undefined;
    state.textContent = form.dataset.cannot;
  }
});
