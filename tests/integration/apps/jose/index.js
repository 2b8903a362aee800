// Tokens and envelopes by every family of algorithms that jose has, with keys made and passed on in
// each form. GET /self?alg= does the round trip here; POST /verify takes a token made elsewhere.
import * as jose from 'jose';

const claims = { sub: 'anna', scope: ['read', 'write'] };
const options = { issuer: 'urn:test', audience: 'urn:client' };

async function signed(algorithm) {
  const symmetric = algorithm.startsWith('HS');
  const { publicKey, privateKey } = symmetric
    ? await jose.generateSecret(algorithm, { extractable: true }).then((key) =>
      ({ publicKey: key, privateKey: key }))
    : await jose.generateKeyPair(algorithm, { extractable: true });
  // Out and back in: as PEM where there is a PEM, as JWK always.
  const signer = symmetric ? privateKey
    : await jose.importPKCS8(await jose.exportPKCS8(privateKey), algorithm);
  const jwk = { ...await jose.exportJWK(publicKey), alg: algorithm, kid: 'one' };
  const token = await new jose.SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: 'one' })
    .setIssuedAt().setExpirationTime('2h').setIssuer(options.issuer)
    .setAudience(options.audience).sign(signer);
  const keys = symmetric ? await jose.importJWK(jwk) : jose.createLocalJWKSet({ keys: [jwk] });
  const { payload } = await jose.jwtVerify(token, keys, options);
  const [head, , mac] = token.split('.');
  const forged = `${head}.${jose.base64url.encode(JSON.stringify({ sub: 'eve' }))}.${mac}`;
  const refusal = await jose.jwtVerify(forged, keys, options).catch((error) => error.code);
  return { payload, refusal, token, jwk };
}

async function sealed(algorithm, encryption) {
  const key = algorithm === 'dir' ? await jose.generateSecret(encryption, { extractable: true })
    : algorithm.startsWith('A') ? await jose.generateSecret(algorithm, { extractable: true })
    : algorithm.startsWith('PBES2') ? new TextEncoder().encode('a password')
    : await jose.generateKeyPair(algorithm, { extractable: true });
  const jwe = await new jose.CompactEncrypt(new TextEncoder().encode('grüße'))
    .setProtectedHeader({ alg: algorithm, enc: encryption }).encrypt(key.publicKey ?? key);
  const { plaintext } = await jose.compactDecrypt(jwe, key.privateKey ?? key,
    { keyManagementAlgorithms: [algorithm] });
  const parts = jwe.split('.');
  parts[4] = jose.base64url.encode(new Uint8Array(jose.base64url.decode(parts[4]).length));
  const refusal = await jose.compactDecrypt(parts.join('.'), key.privateKey ?? key,
    { keyManagementAlgorithms: [algorithm] }).catch((error) => error.code);
  return { plaintext: new TextDecoder().decode(plaintext), refusal };
}

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const algorithm = searchParams.get('alg');
    if (pathname === '/sign') return Response.json(await signed(algorithm));
    if (pathname === '/seal') {
      return Response.json(await sealed(algorithm, searchParams.get('enc')));
    }
    const { token, jwk } = await request.json();
    try {
      const { payload, protectedHeader } = await jose.jwtVerify(token, await jose.importJWK(jwk),
        options);
      return Response.json({ payload, protectedHeader,
        thumbprint: await jose.calculateJwkThumbprint(jwk) });
    } catch (error) {
      return Response.json({ code: error.code, message: error.message }, { status: 401 });
    }
  },
};
