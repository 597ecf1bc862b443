//! Makes Shopify's schema known to the operations of `src/shop`.

fn main() {
    println!("cargo::rerun-if-changed=src/shop/schema.graphql");
    cynic_codegen::register_schema("shopify")
        .from_sdl_file("src/shop/schema.graphql")
        .expect("src/shop/schema.graphql is valid SDL")
        .as_default()
        .expect("the schema can be registered");
}
