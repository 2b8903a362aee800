using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .bench)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const bench :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "fetch_handler.js", esModule = embed "fetch_handler.js"),
    (name = "payload.js", esModule = embed "payload.js"),
    (name = "row.js", esModule = embed "row.js"),
  ],
  compatibilityDate = "2026-01-01",
);
