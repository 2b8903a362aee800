// An imported .wasm file is a WebAssembly.Module, compiled when the script is loaded.
import module from "./gcd.wasm";

const { gcd } = new WebAssembly.Instance(module).exports;

export default {
  fetch(request) {
    const { searchParams } = new URL(request.url);
    const [a, b] = ["a", "b"].map((name) => Number(searchParams.get(name) ?? NaN));
    if (![a, b].every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31)) {
      return new Response("Ask for /?a=48&b=18\n", { status: 400 });
    }
    return new Response(`gcd(${a}, ${b}) = ${gcd(a, b)}\n`);
  },
};
