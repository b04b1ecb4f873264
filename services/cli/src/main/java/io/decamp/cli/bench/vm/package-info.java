/** What saving a process from outside its VM costs, against saving it with CRIU inside that VM, in the same run. */
package io.decamp.cli.bench.vm;
