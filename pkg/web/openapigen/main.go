// Command openapigen writes the description of the API to a file.
package main

import (
	"log"
	"os"

	"github.com/plumbline-dev/plumbline/pkg/web"
)

func main() {
	data, err := web.OpenAPI()
	if err == nil {
		err = os.WriteFile(os.Args[1], data, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
