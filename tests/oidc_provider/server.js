// A certified OpenID provider for one client; the tests are its people and its operator.
//
//     node server.js '{"client_id": …, "redirect_uris": […]}'
//
// It listens wherever there is room, and then writes its issuer. Who signs in says a name and is believed, and whoever
// registers says a new one. `POST /test/rotate` has it publish and use new keys and forget the old ones.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider, { interactionPolicy } from 'oidc-provider';

const client = JSON.parse(process.argv[2]);
const people = new Set(['ada', 'grace']);
const scopes = 'openid email profile';

// The prompt of Initiating User Registration 1.0, which this provider leaves to whoever sets it up.
const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'create', requestable: true }), 0);

function key(algorithm) {
  const { privateKey } = algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: algorithm };
}

function provider(algorithm) {
  const made = new Provider(issuer, {
    clients: [{ ...client, id_token_signed_response_alg: algorithm }],
    jwks: { keys: [key('RS256'), key('ES256')] },
    cookies: { keys: ['only for tests'] },
    pkce: { required: () => true },
    interactions: { policy, url: (context, interaction) => `/sign-in/${interaction.uid}` },
    discovery: { prompt_values_supported: ['none', 'login', 'consent', 'create'] },
    claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    findAccount: (context, name) => (people.has(name) ? { accountId: name, claims: () => claims(name) } : undefined),
    loadExistingGrant,
    // Without its protection against addresses of one's own network, where the tests are.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  });
  made.on('server_error', (context, error) => console.error(error));
  made.on('backchannel.error', (context, error) => console.error(error));
  return made;
}

function claims(name) {
  const given = name[0].toUpperCase() + name.slice(1);
  const whole = { name: `${given} of the provider`, given_name: given, family_name: 'of the provider' };
  return { sub: name, email: `${name}@example.org`, email_verified: true, ...whole };
}

// Nobody is asked for consent.
async function loadExistingGrant({ oidc }) {
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope(scopes);
  await grant.save();
  return grant;
}

async function form(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

function page(response, prompt) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<title>${prompt}</title><form method="post"><input name="name"><button>Go on</button></form>`);
}

async function signIn(request, response) {
  const { prompt } = await current.interactionDetails(request, response);
  if (request.method === 'GET') return page(response, prompt.name);
  const name = (await form(request)).get('name');
  if (prompt.name === 'create') people.add(name);
  if (!people.has(name)) {
    return current.interactionFinished(request, response, { error: 'access_denied', error_description: 'who?' });
  }
  return current.interactionFinished(request, response, { [prompt.name]: {}, login: { accountId: name } });
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname.startsWith('/sign-in/')) return signIn(request, response);
  if (request.method === 'POST' && pathname === '/test/rotate') {
    current = provider(searchParams.get('algorithm'));
    return response.writeHead(204).end();
  }
  return current.callback()(request, response);
}

let issuer;
let current;
const server = createServer((request, response) => answer(request, response).catch((error) => {
  console.error(error);
  response.writeHead(500).end();
}));
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider('ES256');
  console.log(issuer);
});
