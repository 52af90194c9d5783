// What Node loads in place of index.js.
import { webcrypto } from "node:crypto";

import { drawFrom } from "./random.js";

drawFrom(webcrypto);

export * from "./index.js";
