// SPDX-License-Identifier: Apache-2.0
//
// registry.mjs - a package registry on loopback, for tests: two packages of npm, one of PyPI, made as they are asked for
//
// node registry.mjs [TOKEN]: prints its port.  With a token, npm's part wants it.  GET /-/published/1.1.0 makes that
// version of demo-server the newest.  Tarballs are said to be at 127.0.0.1, whatever name the registry is asked by.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

const token = process.argv[2];
let newest = "1.0.0";

// ---- what is in them ----------------------------------------------------------------------------------

// An MCP server without any library, which tells its version by its tools.
const server = (version) => `#!/usr/bin/env node
const words = require("demo-words");
const one = { name: "echo", description: "Says it again", inputSchema: { type: "object",
  properties: { text: { type: "string" } } } };
const old = { name: "old", description: "Is going", inputSchema: { type: "object" } };
const two = { ...one, description: "Says it twice", inputSchema: { type: "object",
  properties: { text: { type: "string" }, times: { type: "number" } } } };
const fresh = { name: "fresh", description: "Is new", inputSchema: { type: "object" } };
const tools = "${version}" === "1.0.0" ? [one, old] : [two, fresh];
const answer = (m) => {
  switch (m.method) {
  case "initialize": return { protocolVersion: "2025-06-18", capabilities: { tools: {} },
    serverInfo: { name: "demo-server", version: "${version}" } };
  case "tools/list": return { tools };
  case "tools/call": return { content: [{ type: "text", text: words.join(" ") + " ${version}" }] };
  case "ping": return {};
  default: return undefined;
  }
};
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const m = JSON.parse(line), result = answer(m);
  if (m.id === undefined) return;
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: m.id, ...(result ? { result } :
    { error: { code: -32601, message: "no such method" } }) }) + "\\n");
});
`;

// What a script sees that was run when its package was installed.
const script = `const fs = require("fs"), path = require("path");
const seen = [];
const see = (d) => { try { for (const f of fs.readdirSync(d)) { try {
  if (fs.readFileSync(path.join(d, f), "utf8").includes("Token")) seen.push(f); } catch {} } } catch {} };
see(path.join(__dirname, "..", "..", "..", "..", ".rc"));
if (process.env.HOME.startsWith(process.env.INIT_CWD ?? "?")) seen.push("home");
fs.writeFileSync(path.join(__dirname, "ran"), "tokens: " + seen.length);
`;

const packages = {
  "demo-server": (version) => ({
    manifest: { name: "@demo/demo-server", version, bin: { "demo-server": "dist/main.js" },
      dependencies: { "demo-words": "^1.0.0" } },
    files: { "dist/main.js": server(version) } }),
  "demo-words": (version) => ({
    manifest: { name: "demo-words", version, main: "words.js", scripts: { postinstall: "node script.js" } },
    files: { "words.js": 'module.exports = ["hello"];\n', "script.js": script } }),
};
const names = { "@demo/demo-server": "demo-server", "demo-words": "demo-words" };

// ---- archives -----------------------------------------------------------------------------------------

function tar(files) {
  const blocks = [];
  for (const [name, text] of Object.entries(files)) {
    const body = Buffer.from(text), head = Buffer.alloc(512);
    head.write(`package/${name}`, 0);
    head.write("0000644\0" + "0000000\0" + "0000000\0", 100);
    head.write(body.length.toString(8).padStart(11, "0") + "\0" + "00000000000\0" + "        " + "0", 124);
    head.write("ustar\0" + "00", 257);
    head.write([...head].reduce((a, b) => a + b, 0).toString(8).padStart(6, "0") + "\0 ", 148);
    blocks.push(head, body, Buffer.alloc((512 - body.length % 512) % 512));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

function tarball(key, version) {
  const { manifest, files } = packages[key](version);
  return tar({ "package.json": JSON.stringify(manifest), ...files });
}

function crc32(bytes) {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let i = 0; i < 8; i++) c = c >>> 1 ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}

// Nothing in it is compressed.
function zip(files) {
  const locals = [], centrals = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const body = Buffer.from(text), common = Buffer.alloc(26), n = Buffer.from(name);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(n.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, n, body]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(0o100644 << 16 >>> 0, 6);
    rest.writeUInt32LE(at, 10);
    centrals.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), common, rest, n]));
    locals.push(local);
    at += local.length;
  }
  const end = Buffer.alloc(18), central = Buffer.concat(centrals);
  end.writeUInt16LE(centrals.length, 4);
  end.writeUInt16LE(centrals.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, central, Buffer.from("PK\x05\x06"), end]);
}

const python = `import json, sys

def main():
    for line in sys.stdin:
        m = json.loads(line)
        if m["method"] == "initialize":
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                      "serverInfo": {"name": "demo-py", "version": "1.0"}}
        elif m["method"] == "tools/list":
            result = {"tools": [{"name": "snake", "inputSchema": {"type": "object"}}]}
        elif m["method"] == "tools/call":
            result = {"content": [{"type": "text", "text": "hiss"}]}
        else:
            result = None
        if "id" in m:
            answer = {"jsonrpc": "2.0", "id": m["id"]}
            answer.update({"result": result} if result is not None else
                          {"error": {"code": -32601, "message": "no such method"}})
            print(json.dumps(answer), flush=True)
`;

function wheel() {
  const info = "demo_py-1.0.dist-info", files = { "demo_py.py": python,
    [`${info}/METADATA`]: "Metadata-Version: 2.1\nName: demo-py\nVersion: 1.0\n",
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/entry_points.txt`]: "[console_scripts]\ndemo-py = demo_py:main\n" };
  const sum = (t) => createHash("sha256").update(t).digest("base64url");
  files[`${info}/RECORD`] = Object.entries(files).map(([n, t]) =>
    `${n},sha256=${sum(t)},${Buffer.byteLength(t)}\n`).join("") + `${info}/RECORD,,\n`;
  return zip(files);
}

// ---- answers ------------------------------------------------------------------------------------------

function packument(name, port) {
  const key = names[name], all = key === "demo-server" && newest !== "1.0.0" ? ["1.0.0", newest] : ["1.0.0"];
  return { name, "dist-tags": { latest: all.at(-1) }, versions: Object.fromEntries(all.map((v) => {
    const { manifest } = packages[key](v);
    return [v, { ...manifest, hasInstallScript: manifest.scripts !== undefined, dist: {
      tarball: `http://127.0.0.1:${port}/${name}/-/${key}-${v}.tgz`,
      integrity: "sha512-" + createHash("sha512").update(tarball(key, v)).digest("base64") } }];
  })) };
}

const http = createServer((request, response) => {
  const path = decodeURIComponent(request.url.split("?")[0]), port = http.address().port;
  const send = (status, type, body) => {
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(body);
  };
  let m;
  if ((m = /^\/-\/published\/(.*)$/.exec(path)) !== null) {
    newest = m[1];
    send(200, "text/plain", "ok");
  } else if (path === "/simple/demo-py/") {
    send(200, "text/html", `<!DOCTYPE html><html><body><a href="/files/demo_py-1.0-py3-none-any.whl#sha256=${
      createHash("sha256").update(wheel()).digest("hex")}">demo_py-1.0-py3-none-any.whl</a></body></html>`);
  } else if (path === "/files/demo_py-1.0-py3-none-any.whl") {
    send(200, "application/octet-stream", wheel());
  } else if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    send(401, "application/json", '{"error":"who are you?"}');
  } else if ((m = /^\/(@demo\/demo-server|demo-words)$/.exec(path)) !== null) {
    send(200, "application/json", JSON.stringify(packument(m[1], port)));
  } else if ((m = /^\/(@demo\/demo-server|demo-words)\/-\/.*-(\d+\.\d+\.\d+)\.tgz$/.exec(path)) !== null) {
    send(200, "application/octet-stream", tarball(names[m[1]], m[2]));
  } else {
    send(404, "application/json", '{"error":"not found"}');
  }
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
