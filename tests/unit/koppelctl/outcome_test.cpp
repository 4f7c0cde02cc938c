// SPDX-License-Identifier: Apache-2.0
// The words for a failed authorisation, in three languages.

#include "tools/koppelctl/outcome.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <set>

namespace {

using namespace koppel::koppelctl;
namespace json = boost::json;

json::object refused_code() {
  return json::parse(R"({"status":"needs_reauth","display":"Failed, Status code: BadRequest","reason":"code_refused",
    "action":"reauthorise","action_by":"customer",
    "hint":{"nl":"Klik opnieuw op 'GEEF TOEGANG'.","fr":"Cliquez encore.","en":"Click again."}})")
      .as_object();
}

TEST_CASE("a failure says display, reason, whose turn and hint, in the reader's language", "[koppelctl]") {
  CHECK(failure_text(refused_code(), language::en) ==
        "Failed, Status code: BadRequest\n"
        "The provider refuses the code: expired, or used before.\n"
        "The customer has to give access again.\n"
        "Click again.\n");
  CHECK(failure_text(refused_code(), language::nl) ==
        "Failed, Status code: BadRequest\n"
        "De provider weigert de code: vervallen of al gebruikt.\n"
        "De klant moet opnieuw toegang geven.\n"
        "Klik opnieuw op 'GEEF TOEGANG'.\n");
  CHECK(failure_text(refused_code(), language::fr) ==
        "Failed, Status code: BadRequest\n"
        "Le fournisseur refuse le code : expiré ou déjà utilisé.\n"
        "Le client doit à nouveau donner accès.\n"
        "Cliquez encore.\n");
}

TEST_CASE("every reason of the contract has a sentence of its own in each language", "[koppelctl]") {
  const std::vector<std::string> reasons{"code_expired",
                                         "code_refused",
                                         "redirect_mismatch",
                                         "client_unknown",
                                         "secret_wrong",
                                         "scope_missing",
                                         "wrong_data_centre",
                                         "access_denied",
                                         "revoked",
                                         "refresh_outcome_unknown",
                                         "account_mismatch",
                                         "account_in_use",
                                         "customer_key_invalid",
                                         "partner_key_invalid",
                                         "throttled",
                                         "by_operator",
                                         "unclear"};
  for (const auto in : {language::nl, language::fr, language::en}) {
    std::set<std::string> sentences;
    for (const auto& reason : reasons) {
      CHECK(reason_sentence(reason, in) != reason);
      sentences.insert(reason_sentence(reason, in));
    }
    CHECK(sentences.size() == reasons.size());
  }
}

TEST_CASE("what this version does not know is shown as it came, without harm", "[koppelctl]") {
  CHECK(reason_sentence("moon_phase\x1b", language::en) == "moon_phase\\x1b");
  CHECK(turn_sentence("dance", "customer", language::en).empty());
  CHECK(turn_sentence("reauthorise", "none", language::en).empty());
  CHECK(failure_text({{"status", "disabled"}}, language::en) == "disabled\n");
}

TEST_CASE("an account is named with its id, and escaped", "[koppelctl]") {
  CHECK(account_text({{"id", "42"}, {"name", "Acme \x1b BVBA"}, {"environment", "test"}}) ==
        "«Acme \\x1b BVBA» (id 42, test)");
  CHECK(account_text({{"id", "42"}}) == "(id 42)");
  CHECK(account_text({}).empty());
}

}  // namespace
