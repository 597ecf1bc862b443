//! Addresses, with countries by three-letter code or by name.

use lockstep_sdk::json::Node;
use lockstep_sdk::types::Address;

/// Reads an address. None when there is nothing in it, as before an order is to be shipped.
pub fn read(node: Node<'_>) -> Option<Address> {
    let text = |name: &str| node.get(name).text();
    let code = text("country_iso_code");
    let country = (code.as_deref().and_then(country_code))
        .or_else(|| text("country").as_deref().and_then(country_code));
    let companies: Vec<String> = ["company", "company_2"]
        .into_iter()
        .filter_map(text)
        .collect();
    let address = Address {
        first_name: text("firstname"),
        last_name: text("lastname"),
        company: (!companies.is_empty()).then(|| companies.join(", ")),
        lines: ["street_1", "street_2"]
            .into_iter()
            .filter_map(text)
            .collect(),
        city: text("city"),
        region: text("state"),
        postcode: text("zip_code"),
        country,
        country_as_given: text("country").or(code),
        phones: (["phone", "phone_secondary"].into_iter().filter_map(text)).collect(),
        instructions: text("additional_info"),
        ..Address::default()
    };
    let empty = address.lines.is_empty() && address.city.is_none() && address.postcode.is_none();
    (!empty).then_some(address)
}

/// First and last name as one.
pub fn full_name(node: Node<'_>) -> Option<String> {
    let names: Vec<String> = (["firstname", "lastname"].into_iter())
        .filter_map(|name| node.get(name).text())
        .collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// ISO 3166-1 alpha-2 of a country given by either code, or by the name of one that marketplaces sell in.
pub fn country_code(given: &str) -> Option<String> {
    let given = given.trim();
    let upper = given.to_ascii_uppercase();
    if upper.len() == 2 && upper.bytes().all(|b| b.is_ascii_uppercase()) {
        return Some(if upper == "UK" {
            "GB".to_owned()
        } else {
            upper
        });
    }
    let code = COUNTRIES
        .split_whitespace()
        .find_map(|pair| pair.strip_prefix(&upper));
    if let Some(code) = code.filter(|code| code.len() == 2) {
        return Some(code.to_owned());
    }
    let name = given.to_lowercase();
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, code)| (*code).to_owned())
}

/// Old orders have no code, only a label in the language that was asked for.
const NAMES: [(&str, &str); 20] = [
    ("australia", "AU"),
    ("new zealand", "NZ"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("united states of america", "US"),
    ("canada", "CA"),
    ("ireland", "IE"),
    ("france", "FR"),
    ("germany", "DE"),
    ("deutschland", "DE"),
    ("spain", "ES"),
    ("españa", "ES"),
    ("italy", "IT"),
    ("italia", "IT"),
    ("belgium", "BE"),
    ("netherlands", "NL"),
    ("switzerland", "CH"),
    ("portugal", "PT"),
    ("poland", "PL"),
    ("brazil", "BR"),
];

/// Alpha-3 codes, each followed by its alpha-2 code.
const COUNTRIES: &str = "ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT \
    AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO \
    BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG \
    COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO \
    DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB \
    GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY \
    HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT \
    JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY \
    LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH \
    MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA \
    NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE \
    PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA \
    SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR \
    SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO \
    TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG \
    VIRVI VNMVN VUTVU WLFWF WSMWS XKXXK YEMYE ZAFZA ZMBZM ZWEZW";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn countries_by_code_and_name() {
        for (given, code) in [
            ("AUS", Some("AU")),
            ("nzl", Some("NZ")),
            ("GBR", Some("GB")),
            ("au", Some("AU")),
            ("UK", Some("GB")),
            ("Australia", Some("AU")),
            ("AUSA", None),
            ("", None),
            ("Atlantis", None),
        ] {
            assert_eq!(country_code(given).as_deref(), code, "{given}");
        }
    }

    #[test]
    fn an_address_is_read_and_nothing_is_none() {
        let json = json!({"firstname": "Marlo", "lastname": "Quill", "company": null, "street_1": "Unit 2",
            "street_2": "8 Lantern Rd", "zip_code": 6160, "city": "Fremantle", "state": "WA",
            "country": "Australia", "phone": "+61400000000", "additional_info": "gate 17"});
        let address = read(Node::new(&json)).expect("an address");
        assert_eq!(address.lines, ["Unit 2", "8 Lantern Rd"]);
        assert_eq!(address.country.as_deref(), Some("AU"));
        assert_eq!(address.postcode.as_deref(), Some("6160"));
        assert_eq!(address.instructions.as_deref(), Some("gate 17"));
        for json in [
            json!(null),
            json!({}),
            json!({"firstname": "Marlo", "street_1": ""}),
        ] {
            assert!(read(Node::new(&json)).is_none(), "{json}");
        }
    }
}
