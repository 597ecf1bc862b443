'use strict';

/** What a fresh Vendure gets beside its products: one country, 10 % GST, one way to ship, one way to pay. */
const INITIAL = {
    defaultLanguage: 'en',
    defaultZone: 'Australia',
    countries: [
        { name: 'Australia', code: 'AU', zone: 'Australia' },
        { name: 'New Zealand', code: 'NZ', zone: 'New Zealand' },
    ],
    taxRates: [{ name: 'GST', percentage: 10 }],
    shippingMethods: [{ name: 'Standard Shipping', price: 995 }],
    paymentMethods: [
        {
            name: 'Test Payment',
            handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] },
        },
        {
            name: 'Pay Later',
            handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'false' }] },
        },
    ],
    collections: [],
};

const COLUMNS = [
    'name', 'slug', 'description', 'assets', 'facets', 'optionGroups', 'optionValues', 'sku', 'price', 'taxCategory',
    'stockOnHand', 'trackInventory', 'variantAssets', 'variantFacets',
];

/**
 * Products as Vendure's importer reads them.
 *
 * @param catalogue A list of `{sku, title, price, stock}`; `price` is text in AUD with tax, `stock` a whole number.
 */
function products(catalogue) {
    const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const rows = catalogue.map(({ sku, title, price, stock }) => {
        const slug = sku.toLowerCase().replace(/[^a-z0-9]+/g, '-');
        return [title, slug, title, '', '', '', '', sku, price, 'standard', stock, true, '', ''].map(quoted).join(',');
    });
    return [COLUMNS.join(','), ...rows].join('\n') + '\n';
}

module.exports = { INITIAL, products };
