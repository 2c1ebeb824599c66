//! Words, letters and endings that belong to one language and not to its neighbours.
//!
//! The words stand without diacritics, sorted. What is a word in Polish and in English (`do`,
//! `to`, `on`, `no`, `my`, `was`, `nas`, `problem`, `serial`) stands in neither list.

use super::{Evidence, folded};

/// What a word of a list counts.
const KNOWN: u32 = 4;
/// What a Polish word counts: Polish mails are full of English terms, English ones hold Polish
/// names at most.
const KNOWN_POLISH: u32 = 8;
/// What a word counts that Polish shares with Czech and Slovak, or with which writers of English
/// greet us.
const WEAK_POLISH: u32 = 2;
/// What an English term counts that engineers use in any language.
const TERM: u32 = 2;
/// What a letter counts that only one of the languages has.
const LETTER: u32 = 3;
/// What an ending or a pair of letters counts.
const SHAPE: u32 = 1;

const POLISH: &[&str] = &[
    "aktualnie", "awaria", "awarie", "awarii", "bardzo", "beda", "bedzie", "biblioteka", "biblioteke", "biblioteki",
    "blad", "bledu", "bledy", "brak", "budynek", "byl", "byla", "bylo", "byly", "chce", "chcemy", "chodzi", "chyba",
    "ciagle", "cos", "czekam", "czekamy", "czesci", "czwartek", "czy", "dalej", "dla", "dlaczego", "dolaczam",
    "dostalismy", "drugi", "drugiego", "drugiej", "dysk", "dyskach", "dyski", "dyskow", "dysku", "dziala", "dzialaja",
    "dziekujemy", "dzis", "dzisiaj", "dzwonilem", "firmie", "gdy", "gdzie", "godzin", "godzinie", "gwarancja",
    "gwarancji", "hasla", "haslo", "ich", "inny", "jeden", "jedna", "jesli", "jest", "jestem", "jestesmy", "jeszcze",
    "jezeli", "juz", "kabel", "kaseta", "kasety", "kiedy", "kilka", "klient", "komunikat", "kontaktu", "konto",
    "kontroler", "kto", "ktora", "ktore", "ktorego", "ktorej", "ktory", "ktorych", "ktorym", "ktos", "kupilismy",
    "kurier", "kuriera", "laduje", "lampka", "licencja", "licencji", "logi", "lub", "macie", "macierz", "macierzy",
    "maja", "mam", "mamy", "mial", "miala", "mialo", "miedzy", "mielismy", "miesiac", "miga", "minut", "moga", "moge",
    "moze", "mozecie", "mozemy", "mozna", "musimy", "nadal", "nadeslac", "naped", "napedu", "napedy", "naprawa",
    "naprawic", "nasz", "nasza", "nasze", "naszego", "naszej", "naszym", "nic", "nie", "niestety", "niz", "nowa",
    "nowe", "nowy", "nr", "numer", "numeru", "numery", "obecnie", "obok", "obudowa", "odbior", "odebrac", "odpowiada",
    "okolo", "oraz", "otrzymalismy", "otwarte", "paczka", "padl", "padla", "padly", "pan", "pana", "pani", "panstwa",
    "panstwo", "piatek", "pierwsza", "pierwszy", "pilne", "pilnie", "pilny", "podczas", "podsylam", "pojawia",
    "pokazal", "pokazuje", "polaczenie", "pomoc", "poniedzialek", "ponizej", "ponownie", "poprosze", "poprzednio",
    "potrzebujemy", "powyzej", "powyzsze", "pracuje", "probowalismy", "prosba", "prosi", "prosilbym", "prosilem",
    "prosilismy", "prosimy", "prosze", "przelacznik", "przestal", "przestala", "przesylam", "przez", "przy",
    "pytanie", "raczej", "rano", "raz", "restarcie", "rowniez", "serwer", "serwera", "serwerowni", "serwerownia",
    "serwisant", "serwisu", "seryjne", "seryjnego", "seryjny", "seryjnym", "sie", "siema", "sklad", "sprawdzic",
    "sprawdzilem", "sprawdzilismy", "sprawie", "sroda", "stara", "starego", "stary", "swieci", "szybki", "szybko",
    "tasma", "tasme", "tasmie", "tasmowa", "tasmowej", "tasmy", "tego", "tej", "temu", "teraz", "tez", "trzeba",
    "trzeci", "tutaj", "tych", "tydzien", "tygodniu", "tylko", "tym", "umowa", "umowie", "umowy", "uprzejmie",
    "uruchamia", "uruchomic", "urzadzenia", "urzadzenie", "ustawienia", "usterka", "usterke", "usterki", "uszkodzona",
    "uszkodzony", "uzytkownik", "wciaz", "wczoraj", "wentylator", "wiadomosc", "widac", "widzi", "wie", "wiec",
    "wiemy", "wiesz", "witajcie", "wlacza", "wlaczony", "wlaczyc", "wlasnie", "wszystko", "wtorek", "wylaczyc",
    "wymiana", "wymiane", "wymiany", "wymienic", "wymienil", "wymienili", "wymienilismy", "wysiadl", "wyslac",
    "wyslalem", "wyslalismy", "wyswietla", "zalaczam", "zalaczeniu", "zalaczniku", "zalaczone", "zamiast",
    "zapytanie", "zasilacz", "zasilacza", "zdechl", "zdjecia", "zdjecie", "zdjeciu", "zeby", "zepsuty", "zeszly",
    "zeszlym", "zglasza", "zglaszaja", "zglaszam", "zglosic", "zglosil", "zglosila", "zgloszenia", "zgloszenie",
    "zlacze", "znow", "znowu", "zostal", "zostala", "zostalo",
];

/// Polish words that say less.
const WEAK: &[&str] = &[
    "aby", "ale", "bez", "by", "co", "czesc", "dobry", "dzieki", "dziekuje", "dzien", "jak", "jako", "je", "ma", "na",
    "nad", "o", "od", "po", "pod", "pozdrawiam", "przed", "sa", "ta", "tak", "takze", "tam", "te", "ten", "tu", "w",
    "we", "witam", "z", "za", "ze",
];

const ENGLISH: &[&str] = &[
    "about", "after", "again", "already", "also", "am", "an", "and", "any", "anyone", "are", "as", "at", "back", "be",
    "because", "been", "before", "below", "best", "both", "but", "came", "can", "cannot", "cant", "could", "day",
    "days", "dear", "did", "does", "doesnt", "done", "dont", "during", "every", "find", "for", "from", "get", "gets",
    "give", "good", "had", "has", "have", "havent", "hello", "help", "here", "how", "id", "if", "in", "is", "isnt",
    "it", "its", "ive", "just", "kind", "know", "last", "let", "like", "look", "many", "may", "more", "morning",
    "need", "needs", "new", "not", "now", "of", "one", "only", "or", "our", "out", "please", "regards", "replace",
    "replaced", "send", "sent", "she", "should", "since", "so", "some", "someone", "soon", "still", "than", "thank",
    "thanks", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "today", "us",
    "want", "were", "what", "when", "where", "which", "while", "who", "why", "will", "with", "without", "wont",
    "would", "yes", "yesterday", "you", "your",
];

/// English terms that stand in Polish mails too.
const TERMS: &[&str] = &[
    "broken", "contract", "dead", "down", "drive", "engineer", "failed", "failing", "failure", "faulty", "fine",
    "issue", "library", "number", "off", "power", "replacement", "supply", "tape", "up", "urgent", "week", "weeks",
    "work", "working", "works",
];

/// Function words of German, French, Spanish, Italian, Czech, Slovak, Lithuanian, Hungarian, Dutch.
const OTHER: &[&str] = &[
    "aciu", "alebo", "auf", "avec", "az", "bei", "bitte", "como", "cyklus", "dakujem", "dakujeme", "das", "dass", "dekuji", "dekujeme", "del",
    "den", "der", "des", "dem", "di", "dobar", "egy", "ein", "eine", "einen", "einer", "el", "elle", "es", "est", "et", "fur", "gli",
    "guten", "haben", "hat", "het", "hogy", "ich", "ihr", "ihre", "il", "ir", "ist", "jsem", "jsme", "jsou", "kad", "kann", "ktery",
    "ktora", "la", "las", "le", "les", "los", "mame", "mit", "musime", "nach", "nebo", "nem", "nefunguje", "nicht", "niet", "nous", "notre", "oder",
    "para", "pas", "per", "podle", "por", "pour", "porucha", "prasome", "prosim", "prosime", "que", "sehr", "sich", "sie", "siamo", "sme", "son", "sono", "sveiki",
    "tag", "tento", "treba", "una", "und", "une", "uns", "unser", "unsere", "van", "vam", "vas", "veuillez", "von", "votre", "vous", "werden", "wir", "wird",
    "yra", "zu", "zum", "zur",
];

/// Evidence that one word gives.
pub(super) fn evidence(word: &str) -> Evidence {
    let mut found = Evidence::default();
    if word.is_empty() {
        return found;
    }
    let folded = folded(word);
    let known = |list: &[&str]| list.contains(&folded.as_str());
    if known(POLISH) {
        found.polish += KNOWN_POLISH;
    } else if known(WEAK) {
        found.polish += WEAK_POLISH;
    }
    // `IT` is a department.
    if known(ENGLISH) && word != "IT" {
        found.english += KNOWN;
    } else if known(TERMS) {
        found.english += TERM;
    }
    if known(OTHER) {
        found.other += KNOWN;
    }
    if word.chars().any(is_polish_letter) {
        found.polish += if known(WEAK) { SHAPE } else { LETTER };
    } else if word.chars().any(is_foreign_letter) {
        found.other += LETTER;
    }
    if found == Evidence::default() && folded.len() >= 4 {
        if has_polish_shape(&folded) {
            found.polish += SHAPE;
        } else if has_english_shape(&folded) {
            found.english += SHAPE;
        }
    }
    found
}

/// Letters that Polish shares with no neighbour; ó and ć stand in others as well.
fn is_polish_letter(c: char) -> bool {
    matches!(c, 'ą' | 'ę' | 'ł' | 'ń' | 'ś' | 'ź' | 'ż' | 'ć' | 'Ą' | 'Ę' | 'Ł' | 'Ń' | 'Ś' | 'Ź' | 'Ż' | 'Ć')
}

/// Letters that neither Polish nor English has.
fn is_foreign_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_ascii() && !is_polish_letter(c) && !matches!(c, 'ó' | 'Ó')
}

/// Endings and pairs of letters by which Polish words show without their diacritics.
fn has_polish_shape(folded: &str) -> bool {
    const ENDINGS: [&str; 34] = [
        "acja", "acje", "acji", "alem", "alam", "alismy", "amy", "ach", "ami", "ania", "anie", "aniu", "cie", "czna", "czne", "cznie",
        "czny", "czenie", "czenia", "ego", "emu", "emy", "enie", "enia", "iec", "imy", "osc", "osci", "owac", "owej", "owie", "uja", "uje", "ych",
    ];
    const PAIRS: [&str; 6] = ["prz", "rz", "sz", "cz", "dzi", "wsz"];
    ENDINGS.iter().any(|ending| folded.ends_with(ending)) || PAIRS.iter().any(|pair| folded.contains(pair))
}

fn has_english_shape(folded: &str) -> bool {
    const ENDINGS: [&str; 9] = ["ing", "tion", "tions", "ness", "ly", "ght", "ould", "able", "ed"];
    ENDINGS.iter().any(|ending| folded.ends_with(ending)) || ["th", "wh"].iter().any(|pair| folded.starts_with(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_stands_in_two_lists() {
        for word in POLISH.iter().chain(WEAK) {
            assert!(!ENGLISH.contains(word), "{word} is English too");
        }
        for word in OTHER {
            assert!(!ENGLISH.contains(word), "{word} is English too");
        }
    }
}
