// SQLite, compiled to WebAssembly: the module is an import, the database lives for one request.
import initSqlJs from 'sql.js';
import wasm from 'sql.js/dist/sql-wasm.wasm';

const sqlite = initSqlJs({
  instantiateWasm(imports, done) {
    const instance = new WebAssembly.Instance(wasm, imports);
    done(instance, wasm);
    return instance.exports;
  },
});

export default {
  async fetch(request) {
    const SQL = await sqlite;
    const { pathname } = new URL(request.url);
    const db = new SQL.Database(pathname === '/open' ? await request.bytes() : undefined);
    try {
      if (pathname === '/file') {
        db.run('CREATE TABLE kept (id INTEGER PRIMARY KEY, name TEXT, data BLOB)');
        db.run('INSERT INTO kept (name, data) VALUES (?, ?)', ['grüße', new Uint8Array([0, 255])]);
        return new Response(db.export());
      }
      if (pathname === '/open') return Response.json(db.exec('SELECT * FROM kept'));
      return Response.json(db.exec(await request.text()));
    } catch (error) {
      return Response.json({ error: error.message }, { status: 400 });
    } finally {
      db.close();
    }
  },
};
