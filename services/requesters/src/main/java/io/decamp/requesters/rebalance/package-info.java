/** Evens out memory over the nodes by as few moves as possible: looks, plans, and, when told to, asks for the moves. */
package io.decamp.requesters.rebalance;
