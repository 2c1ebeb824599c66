use jiff::civil::date;

use super::*;

const ROUTES: &str = r#"
default = "office"

[[group]]
id = "office"
engineers = ["ak", "jn"]

[[group]]
id = "tape"
engineers = ["gone", "jn"]

[[group]]
id = "nobody"
engineers = ["gone"]

[[group]]
id = "duty"
engineers = ["ak", "gone", "jn"]
turns = { begins = 2026-11-23, days = 7 }

[[vendor]]
id = "qualstar"
words = ["qualstar"]
serials = '^b[0-9]{9}$'

[[route]]
id = "empty"
why = "a group in which nobody works any more counts for none"
language = ["en"]
group = "nobody"

[[route]]
id = "night"
why = "24x7 contracts are answered by whoever is on duty"
window = ["24x7"]
outside = "8x5"
group = "duty"

[[route]]
id = "tape"
why = "whoever knows the libraries"
vendor = ["qualstar"]
group = "tape"
"#;

fn engineer(id: &str) -> Engineer {
    let (name, address) = (id.to_string(), format!("{id}@hezo.example"));
    Engineer { id: id.to_string(), name, address, active: id != "gone" }
}

fn compile(text: &str) -> Result<(Routing, Calendar), Vec<RuleFault>> {
    let mut sources = Sources::built_in();
    sources.replace("routing.toml", text.to_string()).expect("a file of this name");
    let calendar = Calendar::compile(&sources, &[]).expect("the built-in windows");
    Routing::compile(&sources, &calendar).map(|routing| (routing, calendar))
}

#[test]
fn the_built_in_routes_say_what_their_tests_say() {
    let sources = Sources::built_in();
    let calendar = Calendar::compile(&sources, &[]).expect("the built-in windows");
    assert_eq!(Routing::compile(&sources, &calendar).expect("the built-in routes").test(&calendar), []);
}

#[test]
fn destinations() {
    let (routing, calendar) = compile(ROUTES).expect("the routes");
    let engineers = ["ak", "gone", "jn"].map(engineer);
    let check = |traits: &Traits, day: i8, hour: i8, expected: (Option<&str>, &[&str])| {
        let at = calendar.instant(date(2026, 11, day).at(hour, 0, 0, 0)).expect("a moment");
        let found = routing.destination(traits, at, &calendar, &engineers);
        let ids: Vec<&str> = found.engineers.iter().map(|engineer| engineer.id.as_str()).collect();
        assert_eq!((found.route, ids.as_slice()), expected, "{traits:?} on {day} at {hour}");
    };
    let always = Traits { window: Some(WindowName::new("24x7")), ..Traits::default() };
    check(&Traits::default(), 23, 10, (None, &["ak", "jn"]));
    check(&routing.traits(["Nasz QualStar stoi"], &[]), 23, 10, (Some("tape"), &["jn"]));
    check(&routing.traits(["stoi"], &["B824100317".to_string()]), 23, 10, (Some("tape"), &["jn"]));
    check(&routing.traits(["qualstarowy"], &[]), 23, 10, (None, &["ak", "jn"]));
    // One at a time, those who have left left aside: one week the first, the next week the other.
    check(&always, 23, 10, (None, &["ak", "jn"]));
    check(&always, 23, 20, (Some("night"), &["ak"]));
    check(&always, 29, 10, (Some("night"), &["ak"]));
    check(&always, 30, 20, (Some("night"), &["jn"]));
    check(&Traits { language: Some(Language::English), ..Traits::default() }, 23, 10, (None, &["ak", "jn"]));
}

#[test]
fn a_ticket_never_goes_to_nobody() {
    let (routing, calendar) =
        compile(&ROUTES.replace("\"office\"\nengineers = [\"ak\", \"jn\"]", "\"office\"\nengineers = [\"gone\"]"))
            .expect("the routes");
    let engineers = ["ak", "gone"].map(engineer);
    let at = calendar.instant(date(2026, 11, 23).at(10, 0, 0, 0)).expect("a moment");
    let found = routing.destination(&Traits::default(), at, &calendar, &engineers);
    assert_eq!((found.group, found.engineers), ("*", vec![&engineers[0]]));
}

#[test]
fn faults_name_their_rule() {
    let check = |wrong: &str, right: &str, expected: &str| {
        let faults = compile(&ROUTES.replacen(right, wrong, 1)).expect_err(wrong);
        let told: Vec<String> = faults.iter().map(RuleFault::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(expected)), "{expected} in {told:?}");
    };
    check("default = \"nowhere\"", "default = \"office\"", "[default]: `nowhere` is no group");
    check("group = \"tap\"", "group = \"tape\"", "[tape]: goes to `tap`");
    check("outside = \"7x7\"", "outside = \"8x5\"", "[night]: names the window `7x7`");
    check("vendor = [\"q\"]", "vendor = [\"qualstar\"]", "[tape]: names the vendor `q`");
    check("engineers = []", "engineers = [\"gone\"]", "[nobody]: has nobody");
    let (routing, _) = compile(ROUTES).expect("the routes");
    let strangers = routing.strangers(&[engineer("ak"), engineer("gone")]);
    assert_eq!(strangers.len(), 3, "{strangers:?}");
}
