//! `./dev bench`: what Lockstep costs, beside its physical floor and what would be taken instead,
//! measured in the same run.
//!
//! Every figure is the median of runs that took turns with what stands beside it, on one machine,
//! with the real programs in release. Nothing of this is a test: a slow machine fails nothing.
#![expect(clippy::print_stdout, reason = "this is what it speaks with")]

mod floor;
mod http;
mod load;
mod measures;
mod place;
mod process;
mod projects;
mod report;
mod stats;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};

use place::{Place, fresh_folder};

#[derive(Parser)]
#[command(name = "bench", about = "Measures Lockstep beside its floor and its peers")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Which measures, by their numbers; all when none is given
    measures: Vec<u8>,
    /// Lists the measures
    #[arg(long)]
    list: bool,
    /// Runs of each side
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Tiny sizes: only to see that it works
    #[arg(long)]
    small: bool,
}

#[derive(Subcommand)]
enum Command {
    /// The least program that takes webhooks over (started by the measures)
    #[command(hide = true)]
    Floor(floor::Arguments),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        measures::ALL.iter().for_each(|(number, name)| println!("{number:3}  {name}"));
        return Ok(());
    }
    if let Some(Command::Floor(arguments)) = &arguments.command {
        return actix_web::rt::System::new().block_on(floor::serve(arguments));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let known: Vec<u8> = measures::ALL.iter().map(|(number, _)| *number).collect();
    let wanted = if arguments.measures.is_empty() { known.clone() } else { arguments.measures.clone() };
    let unknown = wanted.iter().find(|number| !known.contains(number));
    ensure!(unknown.is_none(), "there is no measure {}: see --list", unknown.copied().unwrap_or_default());
    let place = place(arguments)?;
    let lines = measures::run(&place, &wanted, |line| println!("{line}")).await?;
    println!("\n{}", report::table(&lines));
    Ok(())
}

fn place(arguments: &Arguments) -> anyhow::Result<Place> {
    let service = |name: &str| {
        let name = format!("LOCKSTEP_TEST_{name}_URL");
        std::env::var(&name).with_context(|| format!("{name} is not set: run it with ./dev bench"))
    };
    let here = std::env::current_exe()?;
    let programs = here.parent().context("this program lies nowhere")?.to_owned();
    let folder = PathBuf::from(".dev/bench");
    fresh_folder(&folder)?;
    Ok(Place {
        programs,
        folder: folder.canonicalize()?,
        postgres: service("DATABASE")?,
        redis: service("REDIS")?,
        rounds: arguments.rounds.max(1),
        small: arguments.small,
    })
}
