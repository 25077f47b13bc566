//! The repository keeps its own promises: who may import what, docs that name only what exists, an example configuration
//! that is one.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_domain_imports_no_database_no_network_and_no_server() {
    const FOREIGN: [&str; 9] =
        ["sqlx", "reqwest", "redis", "axum", "apalis", "hyper", "crate::http", "crate::queue", "crate::workers"];
    let mut broken = Vec::new();
    for domain in ["batch", "wallet", "payout", "sms", "receipt", "report", "org", "lane"] {
        for file in files(&root().join("src").join(domain), "rs") {
            let source = std::fs::read_to_string(&file).unwrap();
            for (number, line) in source.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
                let named =
                    FOREIGN.iter().find(|f| line.contains(&format!("{f}::")) || line.contains(&format!("use {f}")));
                if let Some(foreign) = named {
                    broken.push(format!("{}:{}: {foreign}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_simulator_shares_no_code_with_the_engine_it_judges() {
    for file in files(&root().join("src/simulator"), "rs") {
        let source = std::fs::read_to_string(&file).unwrap();
        for line in source.lines().filter(|l| !l.trim_start().starts_with("//") && l.contains("crate::")) {
            assert!(line.contains("crate::simulator"), "{}: {line}", file.display());
        }
    }
}

#[test]
fn sql_stands_in_files_and_only_the_store_speaks_it() {
    for folder in ["src", "workers"] {
        for file in files(&root().join(folder), "rs").into_iter().filter(|f| !f.starts_with(root().join("src/store"))) {
            let source = std::fs::read_to_string(&file).unwrap();
            assert!(!source.contains("sqlx::"), "{} speaks to the database", file.display());
        }
    }
}

/// The words in backticks of a text that look like paths of this repository.
fn paths(text: &str) -> Vec<String> {
    let looks = |word: &&str| {
        let known = ["src/", "docs/", "tests/", "bench/", "workers/", "migrations/", "fixtures/", ".ci/"];
        known.iter().any(|k| word.starts_with(k)) && !word.contains(['*', '<', '{', ' '])
    };
    text.split('`').skip(1).step_by(2).filter(looks).map(str::to_owned).collect()
}

#[test]
fn docs_name_only_what_exists() {
    let mut pages = files(&root().join("docs"), "md");
    pages.push(root().join("README.md"));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for path in paths(&text) {
            assert!(root().join(&path).exists(), "{} names {path}, which does not exist", page.display());
        }
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            let local = link.split('#').next().unwrap();
            if !local.is_empty() && !local.contains("://") {
                assert!(page.parent().unwrap().join(local).exists(), "{} links to {local}", page.display());
            }
        }
    }
}

#[test]
fn the_example_configuration_is_one() {
    let text = std::fs::read_to_string(root().join("gaba.example.toml")).unwrap();
    let config = gaba::config::Config::parse(&text).unwrap();
    config.check().unwrap();
    // Every key that the program knows is in the example.
    let source = std::fs::read_to_string(root().join("src/config.rs")).unwrap();
    let fields = source.lines().filter_map(|l| l.trim().strip_prefix("pub ")?.split_once(':')).map(|(name, _)| name);
    let known: Vec<&str> = fields.filter(|n| n.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    assert!(known.len() > 25, "{known:?}");
    for key in known.into_iter().filter(|k| !["lanes", "secrets", "api_key", "subscription_key", "secret"].contains(k))
    {
        assert!(text.contains(&format!("{key} = ")), "gaba.example.toml does not explain {key}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let reasons = std::fs::read_to_string(root().join("docs/DEPENDENCIES.md")).unwrap();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ")
            && inside
            // The tests' own way to this very program.
            && name != "gaba"
        {
            assert!(reasons.contains(name), "docs/DEPENDENCIES.md does not say why {name} is here");
        }
    }
}

/// Whoever could take a guard away from a running payroll would not need to break in.
#[test]
fn nothing_but_the_tests_turns_on_faults_and_removable_guards() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    assert!(features["faults"].as_array().unwrap().is_empty());
    assert_eq!(features.len(), 1, "a feature that turns on another could be one that is on: {features:?}");
    for section in ["dependencies", "build-dependencies"] {
        let named = manifest.get(section).is_some_and(|all| all.as_table().unwrap().contains_key("gaba"));
        assert!(!named, "the program depends on itself in {section}");
    }
    for name in ["Makefile", ".ci/run", "Dockerfile", "docker-compose.yml", "fuzz/Cargo.toml"] {
        let Ok(text) = std::fs::read_to_string(root().join(name)) else { continue };
        let turned_on = ["--features", "--all-features", "\"faults\""].into_iter().find(|word| text.contains(word));
        assert_eq!(turned_on, None, "{name}");
    }
}
