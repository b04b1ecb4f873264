/** From alerts of a Prometheus Alertmanager that predict a failure to requests for moves. */
package io.decamp.requesters.alerts;
