// The ceiling: the least that a program behind nginx and libfcgi can do. Reads the request's body
// and answers 200; a GET gets 2 KB.
//
//   spawn-fcgi -n -s SOCKET -- ceiling THREADS
#include <fcgiapp.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kPageBytes = 2048;

std::string answerOf(const std::string& body) {
  return "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string kTaken = answerOf(R"({"status":"accepted","contact":"42","password":"none"})");
const std::string kPage = answerOf(R"({"text":")" + std::string(kPageBytes - 11, 'x') + "\"}");

void readBody(FCGX_Request& request) {
  std::array<char, 16384> piece;
  while (FCGX_GetStr(piece.data(), static_cast<int>(piece.size()), request.in) ==
         static_cast<int>(piece.size())) {
  }
}

void serve() {
  FCGX_Request request;
  FCGX_InitRequest(&request, 0, 0);
  while (FCGX_Accept_r(&request) == 0) {
    const char* method = FCGX_GetParam("REQUEST_METHOD", request.envp);
    const bool posts = method != nullptr && *method == 'P';
    if (posts) readBody(request);
    const std::string& answer = posts ? kTaken : kPage;
    FCGX_PutStr(answer.data(), static_cast<int>(answer.size()), request.out);
    FCGX_Finish_r(&request);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 64;
  if (FCGX_Init() != 0) return 1;
  std::signal(SIGTERM, SIG_DFL);  // libfcgi's own handler only takes a note of it
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(serve);
  for (std::thread& thread : threads) thread.join();
}
