// SPDX-License-Identifier: Apache-2.0
// The table of reasons: what Pro+ shows, whose turn it is, and the hints, row by row.

#include <catch2/catch.hpp>

#include <boost/json/serialize.hpp>

#include <fstream>
#include <sstream>

#include "host/core/auth_texts.hpp"
#include "host/core/code_age.hpp"

using namespace koppel::core;
namespace json = boost::json;

namespace {

manifest teamleader() {
  manifest m;
  m.name = "teamleader";
  m.title = "Teamleader Focus";
  m.auth.code_lifetime = std::chrono::minutes{10};
  return m;
}

auth_state state_of(auth_status status, auth_reason reason, std::optional<int> http_status = std::nullopt) {
  auth_state s;
  s.status = status;
  s.reason = reason;
  s.http_status = http_status;
  return s;
}

struct expected_row {
  auth_reason reason;
  std::string_view word, status, display, action, by;
};

// The contract of docs/bus.md, written down a second time on purpose.
constexpr expected_row contract[] = {
    {auth_reason::code_expired, "code_expired", "needs_reauth", "Failed, authorization code expired", "reauthorise",
     "customer"},
    {auth_reason::code_refused, "code_refused", "needs_reauth", "Failed, authorization code refused", "reauthorise",
     "customer"},
    {auth_reason::redirect_mismatch, "redirect_mismatch", "misconfigured", "Failed, redirect address differs",
     "fix_settings", "customer"},
    {auth_reason::client_unknown, "client_unknown", "misconfigured", "Failed, client id unknown", "fix_settings",
     "customer"},
    {auth_reason::secret_wrong, "secret_wrong", "misconfigured", "Failed, client secret wrong", "fix_settings",
     "customer"},
    {auth_reason::scope_missing, "scope_missing", "authorized", "Success", "reauthorise", "customer"},
    {auth_reason::wrong_data_centre, "wrong_data_centre", "misconfigured", "Failed, wrong data centre", "fix_settings",
     "customer"},
    {auth_reason::access_denied, "access_denied", "needs_reauth", "Failed, access denied", "reauthorise", "customer"},
    {auth_reason::revoked, "revoked", "needs_reauth", "Failed, access revoked", "reauthorise", "customer"},
    {auth_reason::refresh_outcome_unknown, "refresh_outcome_unknown", "needs_reauth", "Failed, renewal interrupted",
     "reauthorise", "customer"},
    {auth_reason::account_mismatch, "account_mismatch", "needs_reauth", "Failed, other account", "reauthorise",
     "operator"},
    {auth_reason::account_in_use, "account_in_use", "needs_reauth", "Failed, account already connected", "reauthorise",
     "operator"},
    {auth_reason::customer_key_invalid, "customer_key_invalid", "needs_reauth", "Failed, key invalid", "reauthorise",
     "customer"},
    {auth_reason::partner_key_invalid, "partner_key_invalid", "misconfigured", "Failed, partner key invalid",
     "fix_settings", "operator"},
    {auth_reason::throttled, "throttled", "needs_reauth", "Failed, too many requests", "wait", "customer"},
    {auth_reason::by_operator, "by_operator", "disabled", "", "none", "none"},
    {auth_reason::unclear, "unclear", "needs_reauth", "Failed, reason unclear", "reauthorise", "customer"},
};

}  // namespace

TEST_CASE("each reason fixes status, display, action and whose turn it is", "[auth][texts]") {
  REQUIRE(reason_table().size() == std::size(contract));
  const auto m = teamleader();
  for (const auto& row : contract) {
    INFO(row.word);
    const auto* own = find_row(row.reason);
    REQUIRE(own);
    const auto status = *auth_status_from(row.status);
    if (own->status) CHECK(*own->status == status);
    const auto data = status_data(state_of(status, row.reason), &m);
    CHECK(data.at("status").as_string() == row.status);
    CHECK(data.at("reason").as_string() == row.word);
    CHECK(data.at("display").as_string() == row.display);
    CHECK(data.at("action").as_string() == row.action);
    CHECK(data.at("action_by").as_string() == row.by);
    CHECK(auth_reason_from(row.word) == row.reason);
  }
}

TEST_CASE("every hint exists in three languages, names the provider and leaves no placeholder", "[auth][texts]") {
  const auto m = teamleader();
  for (const auto* known : {&m, static_cast<const manifest*>(nullptr)}) {
    for (const auto& row : contract) {
      INFO(row.word);
      const auto hint = hint_of(state_of(*auth_status_from(row.status), row.reason), known);
      for (const auto* text : {&hint.nl, &hint.fr, &hint.en}) {
        CHECK(text->size() > 20);
        CHECK(text->find_first_of("{}") == std::string::npos);
      }
      CHECK(hint.nl != hint.en);
      CHECK(hint.fr != hint.en);
    }
    for (const auto status :
         {auth_status::unconfigured, auth_status::waiting, auth_status::awaiting_confirmation, auth_status::authorized,
          auth_status::needs_reauth, auth_status::misconfigured, auth_status::disabled, auth_status::removed}) {
      const auto hint = hint_of(state_of(status, auth_reason::none), known);
      for (const auto* text : {&hint.nl, &hint.fr, &hint.en}) CHECK(text->find_first_of("{}") == std::string::npos);
      CHECK_FALSE(hint.nl.empty());
    }
  }
}

TEST_CASE("the manual's case says why the code was refused and what to do next", "[auth][texts]") {
  const auto m = teamleader();
  auto state = state_of(auth_status::needs_reauth, auth_reason::code_refused, 400);
  state.provider_error = "invalid_grant";

  const auto data = status_data(state, &m);

  CHECK(data.at("display").as_string() == "Failed, Status code: BadRequest");
  CHECK(data.at("http_status").as_int64() == 400);
  CHECK(data.at("provider_error").as_string() == "invalid_grant");
  const auto nl = std::string(data.at("hint").at("nl").as_string());
  CHECK(nl.find("Teamleader Focus") != std::string::npos);
  CHECK(nl.find("10 minuten") != std::string::npos);
  CHECK(nl.find("al eerder gebruikt") != std::string::npos);
  CHECK(nl.find("klik opnieuw op 'GEEF TOEGANG'") != std::string::npos);
  const auto fr = std::string(data.at("hint").at("fr").as_string());
  CHECK(fr.find("10 minutes") != std::string::npos);
  CHECK(fr.find("DONNER ACCÈS") != std::string::npos);
}

TEST_CASE("what is known of a code's age is said, and no more", "[auth][texts]") {
  using std::chrono::seconds;
  const auto m = teamleader();
  const auto said = [&](auth_reason reason, std::optional<code_age> age) {
    auto state = state_of(auth_status::needs_reauth, reason, 400);
    state.code = age;
    const auto hint = hint_of(state, &m);
    for (const auto* text : {&hint.nl, &hint.fr, &hint.en}) CHECK(text->find_first_of("{}") == std::string::npos);
    return hint.en;
  };
  using Catch::Contains;
  CHECK_THAT(said(auth_reason::code_refused, {}), !Contains("This code was"));
  CHECK_THAT(said(auth_reason::code_refused, code_age{}), !Contains("This code was"));
  CHECK_THAT(said(auth_reason::code_expired, code_age{seconds{601}, {}}), Contains("at least 10 min 1 s old."));
  CHECK_THAT(said(auth_reason::code_expired, code_age{seconds{601}, seconds{3661}}),
             Contains("between 10 min 1 s and 1 h 1 min old."));
  CHECK_THAT(said(auth_reason::code_refused, code_age{seconds{0}, seconds{700}}), Contains("at most 11 min 40 s old."));
  CHECK_THAT(said(auth_reason::code_refused, code_age{seconds{0}, seconds{30}}),
             Contains("at most 30 s old, so it had not expired"));
  // A provider that says itself that it expired is believed.
  CHECK_THAT(said(auth_reason::code_expired, code_age{seconds{0}, seconds{30}}), !Contains("had not expired"));
}

TEST_CASE("who has to wait reads for how long, and whether the code is still good then", "[auth][texts]") {
  using Catch::Contains;
  using std::chrono::seconds;
  const auto m = teamleader();
  const auto said = [&](std::optional<throttling> pause) {
    auto state = state_of(auth_status::needs_reauth, auth_reason::throttled, 200);
    state.throttled = pause;
    const auto hint = hint_of(state, &m);
    for (const auto* text : {&hint.nl, &hint.fr, &hint.en}) CHECK(text->find_first_of("{}") == std::string::npos);
    return hint;
  };
  const auto over = said(throttling{seconds{600}, false});
  CHECK_THAT(over.en, Contains("Wait 10 minutes. Only then open the link again") && Contains("valid for 10 minutes"));
  CHECK_THAT(over.nl, Contains("Wacht 10 minuten. Open pas daarna de link opnieuw"));
  CHECK_THAT(over.fr, Contains("Attendez 10 minutes. Ensuite seulement, rouvrez le lien"));
  const auto good = said(throttling{seconds{61}, true});
  CHECK_THAT(good.en, Contains("Wait 61 seconds. Then try again with the same code") && !Contains("open the link"));
  CHECK_THAT(said(throttling{seconds{601}, false}).en, Contains("Wait 11 minutes."));
  CHECK_THAT(said({}).en, Contains("Wait a few minutes."));
}

TEST_CASE("a code is as old as we have had it at least, and as its link at most", "[auth][texts]") {
  using std::chrono::seconds;
  const instant link{seconds{1000}}, seen = link + seconds{20}, sent = seen + seconds{60};
  CHECK(age_of_code(sent, seen, link) == code_age{seconds{60}, seconds{80}});
  CHECK(age_of_code(sent, seen, {}) == code_age{seconds{60}, {}});
  // The clock was set back: nothing is known.
  CHECK(age_of_code(link - seconds{5}, seen, link) == code_age{});
  for (const auto& [held, reason] : {std::pair{59, auth_reason::code_refused}, {60, auth_reason::code_expired}})
    CHECK(refused_for_age(auth_reason::code_refused, {seconds{held}, {}}, seconds{60}) == reason);
  CHECK(refused_for_age(auth_reason::secret_wrong, {seconds{99}, {}}, seconds{60}) == auth_reason::secret_wrong);
  CHECK(may_outlive({seconds{9}, {}}, seconds{50}, seconds{60}));
  CHECK_FALSE(may_outlive({seconds{10}, {}}, seconds{50}, seconds{60}));
  CHECK_FALSE(may_outlive({}, seconds{600}, seconds{60}));
}

TEST_CASE("who left boxes unticked reads which ones, by the names on the provider's page", "[auth][texts]") {
  auto m = teamleader();
  m.streams.push_back({.name = "contacts", .entity = "contact", .scope = "contacts", .scope_label = {}});
  m.streams.push_back({.name = "departments",
                       .entity = "department",
                       .scope = "departments",
                       .scope_label = {"Departementen", "Entités", "Departments"}});
  auto state = state_of(auth_status::authorized, auth_reason::scope_missing);
  const auto says = [&](const manifest* known, std::string_view nl, std::string_view fr, std::string_view en) {
    const auto hint = hint_of(state, known);
    INFO(hint.nl << '\n' << hint.fr << '\n' << hint.en);
    CHECK(hint.nl.find("Selecteer " + std::string(nl) + " bij de OAuth-scopes") != std::string::npos);
    CHECK(hint.fr.find("Sélectionnez " + std::string(fr) + " dans les étendues OAuth") != std::string::npos);
    CHECK(hint.en.find("Select " + std::string(en) + " under the OAuth scopes") != std::string::npos);
  };

  says(&m, "de ontbrekende opties", "les options manquantes", "the missing options");
  state.scopes_missing = {"departments"};
  says(&m, "'Departementen'", "« Entités »", "'Departments'");
  // A scope without a label, or a plugin that is not at hand: its own name is better than none.
  says(nullptr, "'departments'", "« departments »", "'departments'");
  state.scopes_missing = {"companies", "contacts", "departments"};
  says(&m, "'companies', 'contacts' en 'Departementen'", "« companies », « contacts » et « Entités »",
       "'companies', 'contacts' and 'Departments'");
}

TEST_CASE("where the link has to ask for something else first, the hint says what", "[auth][texts]") {
  auto m = teamleader();
  m.title = "accounts.example.com";
  auto state = state_of(auth_status::needs_reauth, auth_reason::access_denied);
  CHECK_FALSE(is_to_be_mended_first(state));
  const auto says = [&](const char* error, const char* nl, const char* fr, const char* en) {
    state.provider_error = error;
    const auto hint = hint_of(state, &m);
    INFO(hint.nl << '\n' << hint.fr << '\n' << hint.en);
    CHECK(is_to_be_mended_first(state));
    CHECK(hint.nl.find(nl) != std::string::npos);
    CHECK(hint.fr.find(fr) != std::string::npos);
    CHECK(hint.en.find(en) != std::string::npos);
    for (const auto* text : {&hint.nl, &hint.fr, &hint.en}) {
      CHECK(text->find("accounts.example.com") != std::string::npos);
      CHECK(text->find_first_of("{}") == std::string::npos);
    }
    CHECK(display_of(state) == "Failed, access denied");
  };
  says("no refresh token", "access_type=offline&prompt=consent", "offline_access", "came without a refresh token");
  says("invalid_scope", "weigert de scopes", "refuse les scopes", "refuses the scopes");
  // A name stands as it is written, at the beginning of a sentence too.
  CHECK(hint_of(state, &m).en.starts_with("accounts.example.com refuses"));
  CHECK(hint_of(state, nullptr).en.starts_with("The provider refuses"));

  state.provider_error = "access_denied";
  CHECK(hint_of(state, &m).en.starts_with("Access was not given."));
  // Another reason's error is no such case.
  state.reason = auth_reason::code_refused;
  state.provider_error = "invalid_scope";
  CHECK_FALSE(is_to_be_mended_first(state));
}

TEST_CASE("the life of a code in a hint is the manifest's", "[auth][texts]") {
  auto m = teamleader();
  m.auth.code_lifetime = std::chrono::seconds{60};
  CHECK(hint_of(state_of(auth_status::needs_reauth, auth_reason::code_refused), &m).en.find("60 seconds") !=
        std::string::npos);
  m.auth.code_lifetime = std::chrono::seconds{120};
  CHECK(hint_of(state_of(auth_status::needs_reauth, auth_reason::code_refused), &m).en.find("2 minutes") !=
        std::string::npos);
}

TEST_CASE("an HTTP status of 400 or above wins the display, by its .NET name", "[auth][texts]") {
  const std::pair<int, std::string_view> names[] = {{400, "BadRequest"},
                                                    {401, "Unauthorized"},
                                                    {402, "PaymentRequired"},
                                                    {403, "Forbidden"},
                                                    {404, "NotFound"},
                                                    {405, "MethodNotAllowed"},
                                                    {408, "RequestTimeout"},
                                                    {409, "Conflict"},
                                                    {410, "Gone"},
                                                    {413, "RequestEntityTooLarge"},
                                                    {415, "UnsupportedMediaType"},
                                                    {422, "UnprocessableEntity"},
                                                    {429, "TooManyRequests"},
                                                    {431, "RequestHeaderFieldsTooLarge"},
                                                    {451, "UnavailableForLegalReasons"},
                                                    {500, "InternalServerError"},
                                                    {502, "BadGateway"},
                                                    {503, "ServiceUnavailable"},
                                                    {504, "GatewayTimeout"},
                                                    {418, "418"},
                                                    {599, "599"}};
  for (const auto& [status, name] : names)
    CHECK(display_of(state_of(auth_status::needs_reauth, auth_reason::code_refused, status)) ==
          "Failed, Status code: " + std::string(name));
  CHECK(display_of(state_of(auth_status::misconfigured, auth_reason::secret_wrong, 401)) ==
        "Failed, Status code: Unauthorized");
  // Below 400 no status spoke.
  CHECK(display_of(state_of(auth_status::needs_reauth, auth_reason::code_refused, 200)) ==
        "Failed, authorization code refused");
  CHECK(display_of(state_of(auth_status::needs_reauth, auth_reason::unclear, 302)) == "Failed, reason unclear");
}

TEST_CASE("statuses without a verdict show nothing, and an authorized one Success", "[auth][texts]") {
  for (const auto status : {auth_status::unconfigured, auth_status::waiting, auth_status::awaiting_confirmation,
                            auth_status::disabled, auth_status::removed})
    CHECK(display_of(state_of(status, auth_reason::none)).empty());
  CHECK(display_of(state_of(auth_status::authorized, auth_reason::none)) == "Success");
  CHECK(display_of(state_of(auth_status::authorized, auth_reason::scope_missing, 403)) == "Success");
  CHECK(display_of(state_of(auth_status::authorized, auth_reason::account_mismatch)) == "Failed, other account");
}

TEST_CASE("the data of an auth.status event has every field, also where nothing is known", "[auth][texts]") {
  const auto empty = status_data(auth_state{}, nullptr);
  for (const auto* field :
       {"status", "display", "since", "generation", "reason", "http_status", "provider_error", "action", "action_by",
        "hint", "account", "api_version", "data_centre", "scopes_missing", "streams_affected", "reauthorise_before"})
    CHECK(empty.contains(field));
  CHECK(empty.size() == 16);
  for (const auto* field :
       {"reason", "http_status", "provider_error", "account", "api_version", "data_centre", "reauthorise_before"})
    CHECK(empty.at(field).is_null());
  CHECK(empty.at("scopes_missing").as_array().empty());

  auto full = state_of(auth_status::authorized, auth_reason::scope_missing);
  full.generation = 7;
  full.since = *from_iso8601("2026-01-02T03:04:05Z");
  full.who = account{"42", "Acme BVBA", ""};
  full.scopes_missing = {"contacts"};
  full.streams_affected = {"contacts"};
  const auto data = status_data(full, nullptr);
  CHECK(data.at("since").as_string() == "2026-01-02T03:04:05.000Z");
  CHECK(data.at("generation").to_number<int>() == 7);
  CHECK(json::serialize(data.at("account")) == R"({"id":"42","name":"Acme BVBA","environment":""})");
  CHECK(json::serialize(data.at("scopes_missing")) == R"(["contacts"])");
}

TEST_CASE("the table of docs/auth.md is the code's", "[auth][texts][docs]") {
  std::ifstream file(KOPPEL_SOURCE_DIR "/docs/auth.md");
  REQUIRE(file);
  std::vector<std::string> documented;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| reason |"))
      inside = true;
    else if (inside && !line.starts_with("|"))
      inside = false;
    else if (inside && line.starts_with("| `"))
      documented.push_back(line);
  }

  std::vector<std::string> expected;
  for (const auto& row : reason_table()) {
    std::ostringstream line;
    const bool operators = row.reason == auth_reason::by_operator;
    line << "| `" << to_string(row.reason) << "` | "
         << (row.status  ? to_string(*row.status)
             : operators ? "disabled or removed"
                         : "unchanged; needs_reauth at first")
         << " | ";
    const auto display = display_of(
        state_of(operators ? auth_status::disabled : row.status.value_or(auth_status::needs_reauth), row.reason));
    line << (display.empty() ? "(empty)" : "`" + display + "`") << " | " << row.action << " | " << row.action_by
         << " |";
    expected.push_back(line.str());
  }
  CHECK(documented == expected);
}
