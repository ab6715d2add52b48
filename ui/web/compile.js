// Compiles the dashboard's program beside the page, whose thread would be busy
// with it for most of a second.
WebAssembly.compileStreaming(fetch("/web/app.wasm")).then(
  (module) => postMessage({ module }),
  (error) => postMessage({ error: String(error) }),
);
