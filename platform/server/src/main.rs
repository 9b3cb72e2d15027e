//! `muster-server`: the process that players talk to.

mod cli;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    take_small_pages();
    cli::Args::parse().run().await
}

/// The allocator asks for huge pages, and the kernel clears one as a whole when its first byte is touched: on a virtual machine 8 to
/// 18 ms were seen. A crowd of players would wait for that, now and again.
#[cfg(target_os = "linux")]
fn take_small_pages() {
    // Where it is not allowed, nothing but that wait comes of it.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
