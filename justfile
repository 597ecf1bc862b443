# The menu. Each line is a command of its own; there is no logic here.

# List the recipes.
default:
    @just --list

# Play the whole story on this machine: a Shopify, a THE ICONIC, a shopper, a merchant, the real host.
demo *ARGS:
    cargo xtask demo {{ARGS}}

# Every test.
test *ARGS:
    cargo xtask test {{ARGS}}

# The connector for Vendure against a Vendure that really runs. Needs Node 20 or newer.
test-vendure *ARGS:
    cargo xtask test-vendure {{ARGS}}

# The pages in a real Chromium. Needs Node 20 or newer; on Debian Chromium is installed.
browser *ARGS:
    cargo xtask browser {{ARGS}}

# The pictures of the guides: docs/pages.
screenshots:
    cargo xtask screenshots

# Format, clippy, documentation, licenses.
lint:
    cargo xtask lint

# Draw the README's picture anew: docs/demo.svg.
picture:
    cargo xtask picture

# Everything that must hold before a change lands.
ci:
    cargo xtask ci

# Requests, time and memory of a full read-and-compare, a quiet cycle, and more.
bench *ARGS:
    cargo xtask bench {{ARGS}}

# How long each page takes with 100,000 SKUs and 50,000 orders.
bench-pages:
    cargo xtask bench pages

# What the plugin border costs, against the same code compiled natively and against Extism.
overhead:
    cargo xtask overhead

# Format all sources.
format:
    cargo fmt --all
    cd plugins && cargo fmt --all

# The binary for production, in target/release/lockstep.
build:
    cargo xtask setup
    cargo build --release --locked --package lockstep
