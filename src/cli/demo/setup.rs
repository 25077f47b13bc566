//! What the demo starts from: a fresh directory, three lanes to the simulated network, an organisation with two people.

use crate::cli::Failure;
use gaba::config::{Config, Secrets};
use gaba::ids::{self, OrganisationId};
use gaba::money::Currency;
use gaba::org::{Role, keys};
use gaba::simulator;
use gaba::store::SharedStore;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub const ORGANISATION: &str = "Kampala Relief";

/// Receipts come at once here, so that waiting long for a lost one would only bore.
const LANES: &str = r#"
[[lanes]]
name = "mtn-ug"
rail = "mtn-momo"
base_url = "{network}/mtn-momo"
country = "UG"
currency = "UGX"
prefixes = ["25676", "25677", "25678", "25639"]
target_environment = "mtnuganda"
api_user = "c72025f5-5cd1-4630-99e4-8ba4722fad56"
callbacks = "capability"
idempotent_for = "24h"
poll_after = ["500ms", "1s", "2s"]
backoff_min = "200ms"

[[lanes]]
name = "airtel-ug"
rail = "http"
base_url = "{network}/http"
country = "UG"
currency = "UGX"
prefixes = ["25670", "25674", "25675"]
idempotent_for = "24h"
poll_after = ["500ms", "1s", "2s"]
backoff_min = "200ms"

[[lanes]]
name = "blasta"
rail = "sms-http"
base_url = "{network}/sms-http"
sender = "KAMPALA"
"#;

/// One of the two people, with the key they work with.
pub struct Person {
    pub email: &'static str,
    pub key: String,
}

pub struct People {
    pub organisation: OrganisationId,
    pub maker: Person,
    pub checker: Person,
}

/// The directory of this demo, which holds nothing yet.
pub fn directory(wanted: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let named = wanted.is_some();
    let path = wanted.unwrap_or_else(|| std::env::temp_dir().join(format!("gaba-demo-{}", ids::fresh().simple())));
    if path.exists() && !is_empty_directory(&path) {
        let path = path.display();
        return Err(Failure::usage(format!("{path} is not an empty directory; name a new one with --data, or none")));
    }
    DirBuilder::new().recursive(named).mode(0o700).create(&path).map_err(|why| {
        Failure::usage(format!("cannot make the directory {}: {why}; name another with --data", path.display()))
    })?;
    // Shown to a person and put into addresses: whole, whatever the working directory.
    path.canonicalize().map_err(|why| Failure::usage(format!("cannot use the directory {}: {why}", path.display())))
}

fn is_empty_directory(path: &Path) -> bool {
    path.read_dir().is_ok_and(|mut entries| entries.next().is_none())
}

pub fn config(data: &Path, address: &str, network: &str) -> Result<Config, Failure> {
    let failed = |why: String| Failure::new(format!("the demo's own configuration is refused: {why}"));
    let lanes = Config::parse(&LANES.replace("{network}", network)).map_err(|error| failed(error.to_string()))?.lanes;
    let mut config = Config {
        database_url: format!("sqlite://{}", data.join("gaba.db").display()),
        bind: address.to_owned(),
        public_url: Some(format!("http://{address}")),
        data_dir: data.to_owned(),
        lanes,
        ..Config::default()
    };
    for lane in &mut config.lanes {
        let secret = |value: &str| Some(value.to_owned().into());
        lane.secrets = Secrets {
            api_key: secret("demo-api-key"),
            subscription_key: secret("demo-subscription-key"),
            secret: secret(simulator::SECRET),
        };
    }
    config.check().map_err(|error| failed(error.to_string()))?;
    Ok(config)
}

pub async fn people(store: &SharedStore) -> Result<People, Failure> {
    let organisation = store.create_organisation(ORGANISATION, Currency::Ugx).await?.id;
    let maker = person(store, organisation, "maker@kampalarelief.test", Role::Maker).await?;
    let checker = person(store, organisation, "checker@kampalarelief.test", Role::Checker).await?;
    Ok(People { organisation, maker, checker })
}

async fn person(
    store: &SharedStore,
    organisation: OrganisationId,
    email: &'static str,
    role: Role,
) -> Result<Person, Failure> {
    store.add_member(organisation, email, role).await?;
    let key = keys::generate();
    store.create_key(organisation, role, Some(email), key.hash, &key.prefix).await?;
    Ok(Person { email, key: key.secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_configuration_is_one_that_a_start_would_take() {
        let config = config(Path::new("/tmp/x"), "127.0.0.1:8080", "http://127.0.0.1:9001").unwrap();
        assert_eq!(config.lanes.len(), 3);
        assert_eq!(config.lanes[0].base_url, "http://127.0.0.1:9001/mtn-momo");
    }

    #[test]
    fn a_directory_with_something_in_it_is_refused() {
        let fresh = directory(None).unwrap();
        assert!(directory(Some(fresh.clone())).is_ok(), "an empty one will do");
        std::fs::write(fresh.join("gaba.db"), "x").unwrap();
        assert!(directory(Some(fresh.clone())).unwrap_err().to_string().contains("--data"));
        assert!(directory(Some(fresh.join("gaba.db"))).is_err());
        std::fs::remove_dir_all(fresh).unwrap();
    }
}
