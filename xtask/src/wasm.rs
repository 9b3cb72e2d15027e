//! The dashboard's WebAssembly: compiled, given its JavaScript glue, compressed, laid out as the dashboard serves it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    build::WITHIN,
    commands::run,
    files,
    paths::Paths,
    setup::wasm_toolchain::{TARGET, Toolchain},
    steps::{Step, Steps},
};

const PACKAGE: &str = "muster-dashboard-frontend";
const LIBRARY: &str = "muster_dashboard_frontend.wasm";

/// The name of what a browser loads: `pkg/muster.js`, `pkg/muster_bg.wasm`, `pkg/muster.css`.
const OUTPUT: &str = "muster";

/// Written last; a site without it, or with another, is made anew.
const MARKER: &str = ".inputs";

/// What a server may send compressed.
const COMPRESSED: [&str; 8] = ["wasm", "js", "css", "svg", "html", "json", "txt", "map"];

/// Builds what changed and gives the folder for `site.root`.
pub fn build(steps: &Steps, paths: &Paths, toolchain: &Toolchain, release: bool) -> Result<PathBuf> {
    let site = paths.site(release);
    let wasm = steps.step("WebAssembly", |step| {
        let wasm = compile(step, paths, toolchain, release)?;
        step.detail(format!("{} by {}", if release { "release" } else { "debug" }, toolchain.name()));
        Ok(wasm)
    })?;
    steps.step("dashboard files", |step| lay_out(step, paths, &wasm, &site, release))?;
    Ok(site)
}

fn compile(step: &Step<'_>, paths: &Paths, toolchain: &Toolchain, release: bool) -> Result<PathBuf> {
    let profile = if release { "wasm-release" } else { "wasm-fast" };
    let target = paths.cache.join("wasm-target").join(toolchain.name());
    let mut command = toolchain.cargo();
    command.args(["--package", PACKAGE, "--profile", profile]);
    command.env("CARGO_TARGET_DIR", &target).current_dir(&paths.workspace);
    run(step, command, &paths.log("wasm"), WITHIN).context("the dashboard's WebAssembly does not build")?;
    Ok(target.join(TARGET).join(profile).join(LIBRARY))
}

fn lay_out(step: &Step<'_>, paths: &Paths, wasm: &Path, site: &Path, release: bool) -> Result<()> {
    let wasm = fs::read(wasm).with_context(|| format!("cargo made no {}", wasm.display()))?;
    let app = paths.workspace.join("dashboard/app");
    let styles = tree(&app.join("style"))?;
    let public = tree(&app.join("public"))?;
    let inputs = fingerprint(&wasm, [&styles, &public], release);
    if fs::read_to_string(site.join(MARKER)).is_ok_and(|text| text == inputs) {
        step.detail(format!("{}, as before", paths.short(site)));
        return Ok(());
    }

    let partial = site.with_extension("partial");
    files::remove(&partial)?;
    let package = partial.join("pkg");
    fs::create_dir_all(&package).with_context(|| format!("cannot make {}", package.display()))?;
    step.note("JavaScript glue");
    Bindgen::new()
        .input_bytes(OUTPUT, wasm)
        .web(true)?
        .typescript(false)
        .out_name(OUTPUT)
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(&package)
        .context(
            "wasm-bindgen cannot make the glue; is its version in Cargo.toml the same as wasm-bindgen-cli-support's?",
        )?;
    write_all(&partial, &public)?;
    let (sheets, others): (Vec<_>, Vec<_>) =
        styles.into_iter().partition(|(path, _)| path.extension().is_some_and(|it| it == "css"));
    write_all(&package, &others)?;
    let sheet = sheets.into_iter().map(|(_, content)| content).collect::<Vec<_>>().join(&b'\n');
    if !sheet.is_empty() {
        fs::write(package.join(format!("{OUTPUT}.css")), sheet).context("cannot write the style sheet")?;
    }
    step.note("brotli");
    let size = compress(&partial, release)?;
    fs::write(partial.join(MARKER), inputs).context("cannot write the marker of the dashboard's files")?;

    let old = site.with_extension("old");
    files::remove(&old)?;
    if site.exists() {
        fs::rename(site, &old).context("cannot put the old dashboard files aside")?;
    }
    fs::rename(&partial, site).context("cannot put the dashboard files in place")?;
    files::remove(&old)?;
    step.detail(format!("{}, {} KB of wasm (brotli)", paths.short(site), size / 1024));
    Ok(())
}

/// Every file under a folder, by its path in it, sorted; none when the folder is not there.
fn tree(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        let Ok(entries) = fs::read_dir(&at) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.strip_prefix(folder).context("a file lies in its folder")?.to_owned();
                found.push((name, content));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn fingerprint(wasm: &[u8], trees: [&Vec<(PathBuf, Vec<u8>)>; 2], release: bool) -> String {
    let mut hash = Sha256::new();
    hash.update([u8::from(release)]);
    hash.update(Sha256::digest(wasm));
    for tree in trees {
        for (path, content) in tree {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(Sha256::digest(content));
        }
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

fn write_all(folder: &Path, tree: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    for (name, content) in tree {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Puts a `.br` beside every file that shrinks; gives the size of the compressed WebAssembly in bytes.
fn compress(folder: &Path, release: bool) -> Result<usize> {
    // The best costs seconds a megabyte: worth it once per release, not once per edit.
    let quality = if release { 11 } else { 3 };
    let mut wasm = 0;
    for (name, content) in tree(folder)? {
        let extension = name.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !COMPRESSED.contains(&extension) {
            continue;
        }
        let mut small = Vec::new();
        {
            let mut writer = brotli::CompressorWriter::new(&mut small, 64 * 1024, quality, 22);
            writer.write_all(&content).context("brotli failed")?;
        }
        if extension == "wasm" {
            wasm += small.len();
        }
        if small.len() < content.len() {
            let mut path = folder.join(&name).into_os_string();
            path.push(".br");
            fs::write(&path, small).context("cannot write a compressed file")?;
        }
    }
    Ok(wasm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_files_lie_beside_the_plain_ones_and_fingerprints_see_changes() {
        let folder = std::env::temp_dir().join(format!("muster-site-{}", std::process::id()));
        fs::create_dir_all(folder.join("pkg")).unwrap();
        fs::write(folder.join("pkg/a.js"), "let a = 1;\n".repeat(100)).unwrap();
        fs::write(folder.join("pkg/a.png"), [0u8; 1000]).unwrap();
        compress(&folder, false).unwrap();
        assert!(folder.join("pkg/a.js.br").exists() && !folder.join("pkg/a.png.br").exists());
        let before = tree(&folder).unwrap();
        assert_eq!(before.len(), 3);
        fs::write(folder.join("pkg/a.js"), "let a = 2;").unwrap();
        let after = tree(&folder).unwrap();
        let none = Vec::new();
        assert_ne!(fingerprint(b"", [&before, &none], false), fingerprint(b"", [&after, &none], false));
        assert_ne!(fingerprint(b"", [&none, &before], false), fingerprint(b"", [&before, &none], false));
        files::remove(&folder).unwrap();
    }
}
