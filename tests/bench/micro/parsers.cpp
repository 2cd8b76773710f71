// The readers of foreign bytes, each on what it reads most.
#include <benchmark/benchmark.h>

#include <string>

#include "base/json.h"
#include "fastcgi/params.h"
#include "fastcgi/request_head.h"
#include "http/form.h"
#include "micro/subject.h"
#include "support/fastcgi_client.h"
#include "webhook/delivery_parser.h"

namespace mbr::bench {
namespace {

// What nginx says of a webhook, by the shipped files.
const std::vector<std::pair<std::string, std::string>> kParams = {
    {"QUERY_STRING", "mbr_genpass=abcdefghijklmnopqrstuvwxyzABCDEF&tid=1"},
    {"REQUEST_METHOD", "POST"},
    {"CONTENT_TYPE", "application/x-www-form-urlencoded"},
    {"CONTENT_LENGTH", "1024"},
    {"SCRIPT_NAME", "/membergate/hooks/genpass"},
    {"REQUEST_URI", "/?mbr_genpass=abcdefghijklmnopqrstuvwxyzABCDEF&tid=1"},
    {"DOCUMENT_URI", "/membergate/hooks/genpass"},
    {"DOCUMENT_ROOT", "/var/www/html"},
    {"SERVER_PROTOCOL", "HTTP/1.1"},
    {"REQUEST_SCHEME", "https"},
    {"HTTPS", "on"},
    {"GATEWAY_INTERFACE", "CGI/1.1"},
    {"SERVER_SOFTWARE", "nginx/1.22.1"},
    {"REMOTE_ADDR", "203.0.113.9"},
    {"REMOTE_PORT", "40112"},
    {"SERVER_ADDR", "198.51.100.1"},
    {"SERVER_PORT", "443"},
    {"SERVER_NAME", "members.example.com"},
    {"REDIRECT_STATUS", "200"},
    {"MEMBERGATE_REQUEST_ID", "0123456789abcdef0123456789abcdef"},
    {"HTTP_HOST", "members.example.com"},
    {"HTTP_USER_AGENT", "Mozilla/5.0 (compatible; webhooks)"},
    {"HTTP_ACCEPT", "*/*"},
};

void formToDelivery(benchmark::State& state) {
  const std::string body = automationBody(kFirstId, "changed+1+times+so+far");
  const webhook::HiddenField isHidden = [](std::string_view key) { return key == "password"; };
  const Instant now = SystemClock().now();
  for (auto _ : state) {
    const auto form = http::parseForm(body);
    auto delivery = webhook::parseDelivery(*form, now, isHidden);
    benchmark::DoNotOptimize(delivery);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(formToDelivery);

void formAlone(benchmark::State& state) {
  const std::string body = automationBody(kFirstId, "changed+1+times+so+far");
  for (auto _ : state) {
    auto form = http::parseForm(body);
    benchmark::DoNotOptimize(form);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(formAlone);

void requestHead(benchmark::State& state) {
  const std::string head = test::beginBytes(true) + test::paramsBytes(kParams);
  for (auto _ : state) {
    auto check = fastcgi::checkHead(head);
    benchmark::DoNotOptimize(check);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}
BENCHMARK(requestHead);

void requestParams(benchmark::State& state) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : kParams) texts.push_back(name + "=" + value);
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  pointers.push_back(nullptr);
  for (auto _ : state) {
    http::Request request;
    auto announced = fastcgi::readParams(pointers.data(), request);
    benchmark::DoNotOptimize(announced);
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(requestParams);

void jsonOfALogin(benchmark::State& state) {
  const std::string text =
      R"({"email":"member-1000@example.com","password":"correct horse","client_ip":"198.51.100.7"})";
  for (auto _ : state) {
    auto value = json::parse(text);
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(jsonOfALogin);

}  // namespace
}  // namespace mbr::bench
