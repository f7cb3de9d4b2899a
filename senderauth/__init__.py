"""senderauth: will receivers believe that this mail is from this domain, and if not, what must change?"""
