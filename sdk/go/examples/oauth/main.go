// Oauth acts for a person, by the tokens that he has let this program have; the newest pair is always kept in a file.
//
//	CHANCERY_URL=https://pki.example.com go run ./examples/oauth tokens.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"chancery"
)

type kept struct {
	ClientID     string `json:"client_id"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("the file with the tokens is missing")
	}
	file := os.Args[1]
	content, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var tokens kept
	if err := json.Unmarshal(content, &tokens); err != nil {
		log.Fatal(err)
	}

	client := chancery.NewClient(
		chancery.WithBaseURL(os.Getenv("CHANCERY_URL")),
		chancery.WithOAuth(chancery.OAuth{
			ClientID: tokens.ClientID,
			Tokens: chancery.Tokens{
				Access:  chancery.NewSecret(tokens.AccessToken),
				Refresh: chancery.NewSecret(tokens.RefreshToken),
			},
			// A refresh token is good once: whoever loses the new one has to ask the person again.
			Store: func(pair chancery.Tokens) error {
				return keep(file, kept{tokens.ClientID, pair.Access.Reveal(), pair.Refresh.Reveal()})
			},
		}),
	)

	ctx := context.Background()
	me, err := client.Whoami.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s in %s\n", me.User.Email, me.Organization.Name)
	cas := client.CAs.List(ctx, nil)
	for cas.Next() {
		fmt.Println(cas.Item().Name)
	}
	if err := cas.Err(); err != nil {
		log.Fatal(err)
	}
}

func keep(file string, tokens kept) error {
	content, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
