// The same package under Node: makes a token for the script to verify, and verifies the script's.
// Reads one line of JSON: the answers of /sign, by algorithm. Writes one.
import * as jose from 'jose';

const options = { issuer: 'urn:test', audience: 'urn:client' };
const answers = JSON.parse(await new Response(process.stdin).text());
const report = {};
for (const [algorithm, { token, jwk }] of Object.entries(answers)) {
  const { payload } = await jose.jwtVerify(token, await jose.importJWK(jwk), options);
  const { publicKey, privateKey } = algorithm.startsWith('HS')
    ? { privateKey: await jose.importJWK(jwk), publicKey: await jose.importJWK(jwk) }
    : await jose.generateKeyPair(algorithm, { extractable: true });
  report[algorithm] = {
    sub: payload.sub,
    token: await new jose.SignJWT({ sub: 'node' }).setProtectedHeader({ alg: algorithm })
      .setIssuer(options.issuer).setAudience(options.audience).setExpirationTime('1h')
      .sign(privateKey),
    jwk: algorithm.startsWith('HS') ? jwk
      : { ...await jose.exportJWK(publicKey), alg: algorithm },
  };
}
console.log(JSON.stringify(report));
