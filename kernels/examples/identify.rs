//! Prints the tables of docs/method/identification.md: `cargo run -p gpux-kernels --example identify`.
#![allow(clippy::print_stdout)] // An example prints.

use gpux_kernels::identify::{Noise, Pair, Powers, SHORTFALL_SESSIONS, pairs};
use gpux_kernels::plan::Market;

fn main() {
    println!(
        "| noise | sessions of each resource | another model: all | hard | falls short: all | hard | inseparable pairs |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, noise) in [("3 %", Noise::LOW), ("8 %", Noise::HIGH)] {
        for sessions in [1, 2, 4, SHORTFALL_SESSIONS] {
            println!("| {name} | {sessions} | {} |", powers(&pairs(noise.averaged(sessions), Market::Production)));
        }
    }
    let [low, high] = [Noise::LOW, Noise::HIGH].map(|noise| pairs(noise, Market::Production));
    let hard = low.iter().filter(|pair| pair.is_hard()).count();
    println!("\n{} pairs in which the seller gains, {hard} of them are hard\n", low.len());
    println!("| claimed | delivered | smallest ratio | power at 3 % | power at 8 % |");
    println!("| --- | --- | --- | --- | --- |");
    // Noise only ever lowers a power, so the pairs that are inseparable at 3 % are among those at 8 %.
    for (low, high) in low.iter().zip(&high).filter(|(_, high)| high.is_inseparable()) {
        let Pair { claimed, actual, smallest_ratio, powers } = high;
        let [low, high] = [low.powers.misfit, powers.misfit].map(|power| 100.0 * power);
        println!("| {} | {} | {smallest_ratio:.3} | {low:.1} % | {high:.1} % |", claimed.name, actual.name);
    }
}

fn powers(pairs: &[Pair]) -> String {
    let (all, hard) = (Powers::mean(pairs), Powers::mean(pairs.iter().filter(|pair| pair.is_hard())));
    let percent =
        [all.misfit, hard.misfit, all.shortfall, hard.shortfall].map(|power| format!("{:.2} %", 100.0 * power));
    let inseparable = pairs.iter().filter(|pair| pair.is_inseparable()).count();
    format!("{} | {inseparable}", percent.join(" | "))
}
