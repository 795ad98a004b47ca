//! Links the worker without symbols and debug information: it is uploaded in every session, where forty megabytes of them
//! would cost more than the probe, and a host has no business reading its names.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-bin=gpux-job=-Wl,--strip-all");
    }
}
