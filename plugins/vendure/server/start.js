'use strict';

// A Vendure for the tests: `node start.js CATALOGUE READY`. CATALOGUE is a JSON file, a list of
// `{sku, title, price, stock}`. Once buyers can buy, READY is written: a JSON object with `base` (URL), `apiKey` (of a
// role that has what docs/vendure.md names) and `superadmin`. Ends when its standard input ends, so that it never
// outlives the test that started it.

// Read when @vendure/core is loaded: a test is nobody's installation to be counted.
process.env.VENDURE_DISABLE_TELEMETRY = 'true';

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const { bootstrap } = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const { SUPERADMIN, config } = require('./config');
const { INITIAL, products } = require('./data');

/** The permissions that docs/vendure.md tells merchants to give. */
const PERMISSIONS = ['ReadCatalog', 'UpdateProduct', 'ReadOrder', 'UpdateOrder'];

function freePort() {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.once('error', reject);
        probe.listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

/** One question to the Admin API; any error ends the program. */
async function ask(base, headers, query, variables = {}) {
    const answer = await fetch(`${base}/admin-api`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
    });
    const told = await answer.json();
    if (told.errors) {
        throw new Error(`${query}\n${JSON.stringify(told.errors, null, 2)}`);
    }
    return { data: told.data, token: answer.headers.get('vendure-auth-token') };
}

async function login(base, { identifier, password }) {
    const { token } = await ask(
        base, {},
        'mutation ($u: String!, $p: String!) { login(username: $u, password: $p) { ... on CurrentUser { id } } }',
        { u: identifier, p: password },
    );
    return { authorization: `Bearer ${token}` };
}

/** What a merchant does in the dashboard: a role, and an API key that has it and nothing more. */
async function apiKey(base) {
    const root = await login(base, SUPERADMIN);
    const { data: { createRole: role } } = await ask(
        base, root,
        'mutation ($input: CreateRoleInput!) { createRole(input: $input) { id } }',
        { input: { code: 'lockstep', description: 'Lockstep', permissions: PERMISSIONS } },
    );
    const { data: { createApiKey } } = await ask(
        base, root,
        'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey } }',
        { input: { roleIds: [role.id], translations: [{ languageCode: 'en', name: 'Lockstep' }] } },
    );
    return createApiKey.apiKey;
}

/** The default channel sells in AUD with tax in its prices. Must be so before products are imported. */
async function australian(base) {
    const root = await login(base, SUPERADMIN);
    const { data: { activeChannel } } = await ask(base, root, '{ activeChannel { id } }');
    await ask(
        base, root,
        'mutation ($input: UpdateChannelInput!) { updateChannel(input: $input) { ... on Channel { id } ... on ErrorResult { message } } }',
        {
            input: {
                id: activeChannel.id, pricesIncludeTax: true,
                defaultCurrencyCode: 'AUD', availableCurrencyCodes: ['AUD'],
            },
        },
    );
}

async function main([cataloguePath, readyPath]) {
    if (!cataloguePath || !readyPath) {
        throw new Error('usage: node start.js CATALOGUE READY');
    }
    process.stdin.resume().once('end', () => process.exit(0));
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const catalogue = JSON.parse(fs.readFileSync(cataloguePath, 'utf8'));
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vendure-products-'));
    const csv = path.join(folder, 'products.csv');
    fs.writeFileSync(csv, products(catalogue));
    const started = async () => {
        const app = await bootstrap(config(port));
        await australian(base);
        return app;
    };
    await populate(started, INITIAL, csv);
    fs.rmSync(folder, { recursive: true });
    const key = await apiKey(base);
    // Written beside and moved, so that nobody reads half of it.
    fs.writeFileSync(`${readyPath}.new`, JSON.stringify({ base, apiKey: key, superadmin: SUPERADMIN }));
    fs.renameSync(`${readyPath}.new`, readyPath);
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
