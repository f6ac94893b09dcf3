// SPDX-License-Identifier: GPL-2.0-or-later

//! Compiles the shipped policies, which `src/policy/shipped.rs` puts into the binary. A new policy is one
//! `*.bpf.c` file in `policies/` of the repository; nothing here names it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use libbpf_cargo::SkeletonBuilder;

fn main() -> Result<()> {
    // Of the checkout that is built, and not of one for which this program was compiled before.
    let package = env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?;
    let repository = Path::new(&package).join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let includes = ["bpf-helpers", "policies"].map(|dir| repository.join(dir));
    let clang = env::var("CLANG").unwrap_or("clang".into());
    let mut arguments: Vec<_> = ["-Wall".into(), "-Werror".into()].into();
    arguments.extend(includes.iter().map(|dir| format!("-I{}", dir.display())));
    arguments.extend(
        system_includes(&clang)?
            .iter()
            .map(|dir| format!("-idirafter{dir}")),
    );

    let mut list = String::new();
    for source in sources(&repository.join("policies"))? {
        let file = source.file_name().context("a source has a name")?;
        let object = out.join(file).with_extension("o");
        SkeletonBuilder::new()
            .source(&source)
            .clang(&clang)
            .obj(&object)
            .clang_args(arguments.iter())
            .build()
            .with_context(|| format!("compiling {}", source.display()))?;
        let name = file.to_string_lossy().replace(".bpf.c", "");
        // Wherever the directory is when the crate is compiled: it may have been moved.
        let below = format!("/{name}.bpf.o");
        list += &format!("({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), {below:?}))),\n");
    }
    fs::write(out.join("policies.in"), format!("&[\n{list}]\n"))?;
    println!("cargo::rerun-if-env-changed=CLANG");
    for dir in includes {
        println!("cargo::rerun-if-changed={}", dir.display());
    }
    Ok(())
}

/// Where the host's compiler finds linux/types.h and what that includes.
fn system_includes(clang: &str) -> Result<Vec<String>> {
    let output = Command::new(clang)
        .args(["-v", "-E", "-"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {clang}, which compiles the policies"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let list = text
        .lines()
        .skip_while(|line| !line.starts_with("#include <"));
    Ok(list
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.trim().to_owned())
        .collect())
}

/// The `*.bpf.c` files of a directory, in the order of their names.
fn sources(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let mut sources: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    sources.retain(|path| path.to_string_lossy().ends_with(".bpf.c"));
    sources.sort();
    Ok(sources)
}
