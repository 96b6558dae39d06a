//! The portal's CSV downloads: the exact headers of three generations and of the
//! application log, with their duplicate column, trailing and double blanks.

use super::Kind;
use super::outcomes::failure_reason;
use super::records::{SignIn, Stream};
use super::table::Value;
use super::time;
use super::truth::Verdict;
use super::world::{MICROSOFT, access_names};

pub const HEADER_2025: &str = "Date (UTC),Request ID,User agent,Correlation ID,User ID,User,Username,User type,Cross tenant access type,Incoming token type,Authentication Protocol,Unique token identifier,Original transfer method,Client credential type,Token Protection - Sign In Session,Token Protection - Sign In Session StatusCode,Application,Application ID ,App owner tenant ID,Resource,Resource ID ,Resource tenant ID,Resource owner tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Client app,Device ID,Browser,Operating System,Compliant,Managed,Join Type,Multifactor authentication result,Multifactor authentication auth method,Multifactor authentication auth detail,Authentication requirement,Sign-in identifier,Session ID,IP address (seen by resource),Through Global Secure Access,Global Secure Access IP address,Autonomous system  number,Flagged for review,Token issuer type,Incoming token type,Token issuer name,Latency,Conditional Access,Managed Identity type,Associated Resource Id,Federated Token Id,Federated Token Issuer";
pub const HEADER_2023: &str = "Date (UTC),Request ID,Correlation ID,User ID,User,Username,User type,Cross tenant access type,Incoming token type,Authentication Protocol,Unique token identifier,Client credential type,Application,Application ID ,Resource,Resource ID ,Resource tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Client app,Device ID,Browser,Operating System,Compliant,Managed,Join Type,Multifactor authentication result,Multifactor authentication auth method,Multifactor authentication auth detail,Authentication requirement,Sign-in identifier,IP address (seen by resource),Autonomous system  number,Flagged for review,Token issuer type,Incoming token type,Token issuer name,Latency,Conditional Access";
pub const HEADER_APPLICATION: &str = "Date (UTC),Request ID,Correlation ID,Service principal ID,Service principal name,Credential key ID,Credential thumbprint,Application,Application ID ,App owner tenant ID,Resource,Resource ID ,Resource tenant ID,Resource owner tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Conditional Access";

/// The columns of a generation, in its order. That of 2024 is 2025's without two.
pub fn columns(kind: Kind) -> Vec<&'static str> {
    let header = match kind {
        Kind::PortalCsv2023 => HEADER_2023,
        Kind::ApplicationCsv => HEADER_APPLICATION,
        _ => HEADER_2025,
    };
    let lacks = |column: &&str| {
        kind != Kind::PortalCsv2024
            || !matches!(*column, "App owner tenant ID" | "Resource owner tenant ID")
    };
    header.split(',').filter(lacks).collect()
}

/// The value of a column, asked by its English name.
pub fn value(column: &str, s: &SignIn, kind: Kind) -> Value {
    let text = cell(column, s, kind);
    if matches!(column, "User" | "Service principal name") {
        Value::Soft(text)
    } else {
        Value::Text(text)
    }
}

fn cell(column: &str, s: &SignIn, kind: Kind) -> String {
    match column.trim() {
        "Date (UTC)" => time::graph(s.created),
        "Request ID" => s.id.clone(),
        "User agent" => s.agent.clone(),
        "Correlation ID" => s.correlation_id.clone(),
        "User ID" => s.user_id.clone(),
        "User" | "Service principal name" => s.user_name.clone(),
        "Service principal ID" | "Session ID" => s.session_id.clone(),
        "Username" | "Sign-in identifier" => s.user_principal_name.clone(),
        "User type" => if s.access == 0 { "Member" } else { "Guest" }.into(),
        "Cross tenant access type" => access(s),
        "Unique token identifier" => s.token_id.clone(),
        "Application" => s.app.name.into(),
        "Application ID" => s.app.id.into(),
        "App owner tenant ID" => s.app_owner.into(),
        "Resource" => s.app.resource.into(),
        "Resource ID" => s.app.resource_id.into(),
        "Resource tenant ID" => s.resource.into(),
        "Resource owner tenant ID" => MICROSOFT.into(),
        "Home tenant ID" => s.home.unwrap_or_default().into(),
        "IP address" => s.address.clone(),
        "Location" => format!("{}, {}, {}", s.place.city, s.place.state, s.place.country),
        "Status" | "Sign-in error code" | "Failure reason" | "Conditional Access" => {
            judgement(column, s, kind)
        }
        "Client app" if s.stream == Stream::Interactive => "Browser".into(),
        "Client app" => "Mobile Apps and Desktop clients".into(),
        "Authentication requirement" => "Single-factor authentication".into(),
        "Autonomous system  number" => s.place.asn.to_string(),
        "Token issuer type" => "Azure AD".into(),
        "Latency" => (s.noise % 400).to_string(),
        "Compliant" | "Managed" | "Flagged for review" | "Through Global Secure Access" => {
            "False".into()
        }
        _ => String::new(),
    }
}

fn access(s: &SignIn) -> String {
    match s.access {
        8 if s.noise.is_multiple_of(3) => "Service Provider".into(),
        bits => access_names(bits),
    }
}

fn judgement(column: &str, s: &SignIn, kind: Kind) -> String {
    let code = s.outcome.code;
    let words = Words::of(kind);
    match column {
        "Status" if code == 0 => words.success,
        "Status" if s.outcome.bare == Verdict::Interrupted => words.interrupted,
        "Status" => words.failure,
        // Both spellings of no error occur.
        "Sign-in error code" if code == 0 && leaves_success_blank(kind) => "",
        "Sign-in error code" => return code.to_string(),
        "Failure reason" => failure_reason(code).unwrap_or_default(),
        _ => match s.outcome.status {
            "success" => words.success,
            "failure" => words.failure,
            "notApplied" => words.not_applied,
            other => other,
        },
    }
    .into()
}

fn leaves_success_blank(kind: Kind) -> bool {
    matches!(kind, Kind::PortalCsv2023 | Kind::PortalCsvJapanese)
}

/// The words of the columns Status and Conditional Access.
struct Words {
    success: &'static str,
    failure: &'static str,
    interrupted: &'static str,
    not_applied: &'static str,
}

impl Words {
    const ENGLISH: Self = Self {
        success: "Success",
        failure: "Failure",
        interrupted: "Interrupted",
        not_applied: "Not Applied",
    };
    const GERMAN: Self = Self {
        success: "Erfolg",
        failure: "Fehler",
        interrupted: "Unterbrochen",
        not_applied: "Nicht angewendet",
    };
    const JAPANESE: Self = Self {
        success: "成功",
        failure: "失敗",
        interrupted: "中断",
        not_applied: "適用されていません",
    };

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::PortalCsvGerman => Self::GERMAN,
            Kind::PortalCsvJapanese => Self::JAPANESE,
            _ => Self::ENGLISH,
        }
    }
}

/// Headers in German, in the order of 2025. Only a few are known from documentation; the rest are
/// made up, as a reader must not rest on them.
pub const GERMAN: [&str; 57] = [
    "Datum (UTC)",
    "Anforderungs-ID",
    "Benutzer-Agent",
    "Korrelations-ID",
    "Benutzer-ID",
    "Benutzer",
    "Benutzername",
    "Benutzertyp",
    "Mandantenübergreifender Zugriffstyp",
    "Typ des eingehenden Tokens",
    "Authentifizierungsprotokoll",
    "Eindeutiger Tokenbezeichner",
    "Ursprüngliche Übertragungsmethode",
    "Typ der Clientanmeldeinformationen",
    "Tokenschutz – Anmeldesitzung",
    "Tokenschutz – Statuscode der Anmeldesitzung",
    "Anwendung",
    "Anwendungs-ID ",
    "Mandanten-ID des App-Besitzers",
    "Ressource",
    "Ressourcen-ID ",
    "Ressourcenmandanten-ID",
    "Mandanten-ID des Ressourcenbesitzers",
    "Basismandanten-ID",
    "Basismandantenname",
    "IP-Adresse",
    "Standort",
    "Status",
    "Anmeldefehlercode",
    "Fehlerursache",
    "Client-App",
    "Geräte-ID",
    "Browser",
    "Betriebssystem",
    "Konform",
    "Verwaltet",
    "Jointyp",
    "Ergebnis der mehrstufigen Authentifizierung",
    "Methode der mehrstufigen Authentifizierung",
    "Details der mehrstufigen Authentifizierung",
    "Authentifizierungsanforderung",
    "Anmeldebezeichner",
    "Sitzungs-ID",
    "IP-Adresse (von der Ressource erkannt)",
    "Über globalen sicheren Zugriff",
    "IP-Adresse für globalen sicheren Zugriff",
    "Nummer des autonomen  Systems",
    "Zur Überprüfung gekennzeichnet",
    "Typ des Tokenausstellers",
    "Typ des eingehenden Tokens",
    "Name des Tokenausstellers",
    "Latenz",
    "Bedingter Zugriff",
    "Typ der verwalteten Identität",
    "Zugeordnete Ressourcen-ID",
    "Verbundtoken-ID",
    "Aussteller des Verbundtokens",
];

/// The same in Japanese.
pub const JAPANESE: [&str; 57] = [
    "日付 (UTC)",
    "要求 ID",
    "ユーザー エージェント",
    "相関 ID",
    "ユーザー ID",
    "ユーザー",
    "ユーザー名",
    "ユーザーの種類",
    "クロステナント アクセスの種類",
    "受信トークンの種類",
    "認証プロトコル",
    "一意のトークン識別子",
    "元の転送方法",
    "クライアント資格情報の種類",
    "トークン保護 - サインイン セッション",
    "トークン保護 - サインイン セッション状態コード",
    "アプリケーション",
    "アプリケーション ID ",
    "アプリ所有者のテナント ID",
    "リソース",
    "リソース ID ",
    "リソース テナント ID",
    "リソース所有者のテナント ID",
    "ホーム テナント ID",
    "ホーム テナント名",
    "IP アドレス",
    "場所",
    "状態",
    "サインインのエラー コード",
    "失敗の理由",
    "クライアント アプリ",
    "デバイス ID",
    "ブラウザー",
    "オペレーティング システム",
    "準拠",
    "マネージド",
    "参加の種類",
    "多要素認証の結果",
    "多要素認証の認証方法",
    "多要素認証の認証の詳細",
    "認証要件",
    "サインイン識別子",
    "セッション ID",
    "IP アドレス (リソースによる確認)",
    "グローバル セキュア アクセス経由",
    "グローバル セキュア アクセス IP アドレス",
    "自律システム  番号",
    "レビュー用にフラグ設定済み",
    "トークン発行者の種類",
    "受信トークンの種類",
    "トークン発行者名",
    "待機時間",
    "条件付きアクセス",
    "マネージド ID の種類",
    "関連付けられたリソース ID",
    "フェデレーション トークン ID",
    "フェデレーション トークン発行者",
];
