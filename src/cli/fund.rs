//! `gaba fund`: the operator confirms that money came in.

use super::{Context, Failure, Outcome, find_organisation};
use gaba::money::{Currency, Money};
use gaba::org::Principal;
use gaba::store::{Done, SharedStore};
use gaba::wallet::WalletView;

#[derive(clap::Args)]
pub struct Args {
    /// Id or name of the organisation
    org: String,
    /// Amount in the wallet's currency, such as 5000000 or 12.50
    amount: String,
    /// The bank's or provider's reference of the money; each counts once
    #[arg(long)]
    reference: String,
    /// Which wallet, where the organisation has several
    #[arg(long)]
    currency: Option<Currency>,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let store = context.store().await?;
    let organisation = find_organisation(&store, &args.org).await?;
    let wallets = store.wallets(organisation.id).await?;
    let currency = choose(args.currency, &wallets)?;
    let amount = Money::parse(&args.amount, currency).map_err(|error| Failure::usage(error.to_string()))?;
    if amount.minor == 0 {
        return Err(Failure::usage("the amount must be more than nothing"));
    }
    let operator = Principal::operator(organisation.id);
    let funded = store.fund(&operator, amount, &args.reference, None).await?;
    let how = if matches!(funded, Done::Applied(_)) { "is in" } else { "was already in" };
    let available = available(&store, &organisation.id, currency).await?;
    let text = format!("{} {how} the wallet of {:?}; available: {available}.", amount.display(), organisation.name);
    context.output.tell(text, &funded.into_inner());
    Ok(())
}

fn choose(wanted: Option<Currency>, wallets: &[WalletView]) -> Result<Currency, Failure> {
    let codes: Vec<&str> = wallets.iter().map(|wallet| wallet.currency.as_str()).collect();
    match (wanted, codes.as_slice()) {
        (Some(currency), _) if codes.contains(&currency.code()) => Ok(currency),
        (None, [only]) => only.parse().map_err(|error| Failure::new(format!("{error}"))),
        _ => Err(Failure::usage(format!("name the wallet with --currency, one of {}", codes.join(", ")))),
    }
}

async fn available(store: &SharedStore, organisation: &uuid::Uuid, currency: Currency) -> Result<String, Failure> {
    let wallets = store.wallets(*organisation).await?;
    let wallet = wallets.into_iter().find(|wallet| wallet.currency == currency.code());
    Ok(wallet.map_or_else(String::new, |wallet| format!("{currency} {}", wallet.available)))
}
