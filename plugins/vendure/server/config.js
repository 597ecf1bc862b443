'use strict';

const { DefaultLogger, LogLevel, dummyPaymentHandler } = require('@vendure/core');

/** The administrator of this server. It listens on this machine only, and lives as long as one test. */
const SUPERADMIN = { identifier: 'superadmin', password: 'superadmin' };

/**
 * What the server is: SQLite in memory (sql.js needs no compiler), and API keys beside sessions, which is what a
 * merchant has to switch on for Lockstep.
 */
function config(port) {
    return {
        apiOptions: { port, hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api', cors: false },
        authOptions: {
            tokenMethod: ['bearer', 'api-key'],
            superadminCredentials: SUPERADMIN,
            cookieOptions: { secret: 'not-used-without-cookies' },
            requireVerification: false,
        },
        dbConnectionOptions: { type: 'sqljs', synchronize: true, logging: false },
        paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
        logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
        plugins: [],
    };
}

module.exports = { SUPERADMIN, config };
