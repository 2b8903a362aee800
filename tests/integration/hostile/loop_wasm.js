// ends: cpu_limit
// wasm: 0061736d0100000001040160000003020100070801047370696e00000a0901070003400c000b0b
import module from './it.wasm';
export default {
  fetch() {
    new WebAssembly.Instance(module).exports.spin();
  },
};
