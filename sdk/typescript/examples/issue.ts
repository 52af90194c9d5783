// A certificate from a template.
//
// CHANCERY_URL=https://pki.example.com CHANCERY_API_KEY=pkf_… node issue.js

import { ChanceryClient } from "@chancery/client";

const client = new ChanceryClient({
  baseUrl: process.env.CHANCERY_URL!,
  apiKey: process.env.CHANCERY_API_KEY!,
});

const cert = await client.certificates.issue({
  templateCode: "web-tls",
  commonName: "www.example.com",
  sans: ["www.example.com", "example.com"],
});

console.log(`Issued: ${cert.serial}`);
console.log(`It ends: ${cert.notAfter.toISOString()}`);
