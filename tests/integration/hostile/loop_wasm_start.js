// ends: cpu_limit
// wasm: 0061736d01000000010401600000030201000801000a0901070003400c000b0b
import module from './it.wasm';
export default {
  fetch() {
    new WebAssembly.Instance(module);
  },
};
