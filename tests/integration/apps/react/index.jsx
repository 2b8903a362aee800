// React's streaming server rendering: the shell goes out at once, what waits for data follows.
import { createContext, Suspense, use, useContext, useId } from 'react';
import { renderToReadableStream } from 'react-dom/server.edge';

const Theme = createContext('light');

async function load(what) {
  await scheduler.wait(5);
  if (what === 'broken') throw new Error('the data is gone');
  return `loaded ${what} <&>`;
}

function Item({ data }) {
  return <li id={useId()} className={useContext(Theme)}>{use(data)}</li>;
}

function Page({ names }) {
  return (
    <html lang="en">
      <head><title>{`${names.length} items`}</title><meta name="by" content="react" /></head>
      <body>
        <h1 style={{ fontSize: 12, color: 'red' }}>Shell</h1>
        <Theme value="dark">
          {names.map((name) => (
            <Suspense key={name} fallback={<p>waiting for {name}</p>}>
              <ul><Item data={load(name)} /></ul>
            </Suspense>
          ))}
        </Theme>
      </body>
    </html>
  );
}

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/shell-error') {
      const Broken = () => { throw new Error('no shell'); };
      try {
        return new Response(await renderToReadableStream(<Broken />, { onError() {} }));
      } catch (error) {
        return new Response(`failed: ${error.message}`, { status: 500 });
      }
    }
    const stream = await renderToReadableStream(<Page names={searchParams.getAll('name')} />, {
      bootstrapModules: ['/client.js'],
      signal: request.signal,
      onError: (error) => `digest of ${error.message}`,
    });
    if (pathname === '/static') await stream.allReady;
    return new Response(stream, { headers: { 'content-type': 'text/html; charset=utf-8' } });
  },
};
