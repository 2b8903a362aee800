// The smallest function: every request gets the same answer.
//
//   atoll deploy isolates/examples/hello && curl http://hello.localhost:8080/

export default {
  fetch() {
    return new Response("Hello from the edge\n");
  },
};
