// Runs every registered fixture and prints each test's name before it runs, so that a crash names
// its culprit. With arguments: only the tests whose path holds one of them.
#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

void collect(CppUnit::Test* test, const std::string& wanted, std::vector<CppUnit::Test*>& found) {
  if (test->getChildTestCount() == 0) {
    if (test->getName().find(wanted) != std::string::npos) found.push_back(test);
    return;
  }
  for (int i = 0; i < test->getChildTestCount(); ++i)
    collect(test->getChildTestAt(i), wanted, found);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::unique_ptr<CppUnit::Test> all(CppUnit::TestFactoryRegistry::getRegistry().makeTest());
  std::vector<CppUnit::Test*> chosen;
  if (argc < 2) chosen.push_back(all.get());
  for (int i = 1; i < argc; ++i) collect(all.get(), argv[i], chosen);

  CppUnit::TestResult controller;
  CppUnit::TestResultCollector collector;
  CppUnit::BriefTestProgressListener progress;
  controller.addListener(&collector);
  controller.addListener(&progress);
  for (CppUnit::Test* test : chosen) test->run(&controller);

  CppUnit::CompilerOutputter(&collector, std::cerr).write();
  if (collector.runTests() == 0) {
    std::cerr << "no test ran\n";
    return 1;
  }
  return collector.wasSuccessful() ? 0 : 1;
}
