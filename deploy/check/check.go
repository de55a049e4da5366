// Package check holds tests of what deploy/ ships, against the tools and schemas that will read it. It is a module of its own, so that
// none of them is a dependency of the program. make deploy-check runs it.
package check
